import { clock, date, fixed, power } from "../../kit/format";
import { Legend, LoadCurve } from "../../kit/LoadCurve";
import { barsOf } from "./curve";
import { entries, info, live } from "./state";
import { t } from "./words";

/** The load curve of the newest intervals. */
export function Curve(props: { last: number; height?: number }) {
  const period = info.value?.period_s ?? 900;
  const offset = live.value?.utc_offset_min ?? 0;
  const bars = barsOf(entries.value.slice(-props.last - 1), period);
  if (bars.length === 0) return <p class="empty">{t("no entries")}</p>;
  const known = bars.filter((b) => b.watts !== null);
  const most = Math.max(...known.map((b) => b.watts ?? 0), 0);
  const top = power(most);
  const used = [...new Set(known.map((b) => b.tariff))].filter((k) => k > 0).sort();
  return (
    <>
      <LoadCurve bars={bars} periodS={period} offsetMinutes={offset} height={props.height}
        hint={t("hint")}
        summary={`${t("load curve")}: ${bars.length} × ${period / 60} min, max ${top.value} ${top.unit}`}
        describe={(b) => {
          const p = power(b.watts ?? 0);
          const from = clock(b.end - period, offset);
          return b.watts === null
            ? `${date(b.end - 1, offset)} ${from}–${clock(b.end, offset)}: –`
            : `${date(b.end - 1, offset)} ${from}–${clock(b.end, offset)}: ${p.value} ${p.unit}, ${
              fixed(((b.watts ?? 0) * period) / 3.6e6, 3)} kWh, T${b.tariff}`;
        }} />
      <Legend entries={used.map((k) => [`var(--t${k})`, `T${k}`])} />
    </>
  );
}
