import { Card } from "../../kit/parts";
import { live } from "./state";
import { t } from "./words";

/** What stands on the meter's own display now. */
export function LcdCard() {
  const display = live.value?.display;
  if (display === undefined) return null;
  return (
    <Card title={t("display")} class="s4" note={display.test ? t("test mode") : ""}>
      <div class="lcd" role="img"
        aria-label={`${display.code}: ${display.value} ${display.unit}`}>
        <span class="lcd-code">{display.code}</span>
        <span class="lcd-value">{display.value}</span>
        <span class="lcd-unit">{display.unit}</span>
      </div>
    </Card>
  );
}
