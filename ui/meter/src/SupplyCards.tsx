import { fixed, stamp } from "../../kit/format";
import { Card, Status } from "../../kit/parts";
import { live } from "./state";
import { t } from "./words";

/** A word of the interface, in the reader's language if there is one. */
function word(text: string): string {
  return t(`supply ${text}` as Parameters<typeof t>[0]);
}

export function SupplyCard() {
  const supply = live.value?.supply;
  if (supply === undefined) return null;
  const limits = supply.limits.filter((limit) => limit.threshold !== null);
  return (
    <Card title={t("supply card")} class="s4" note={`${t("control mode")} ${supply.mode}`}>
      <dl class="facts">
        <dt>{t("state")}</dt><dd>{word(supply.state)}</dd>
        <dt>{t("contactor")}</dt>
        <dd>{supply.contact === null ? t("unknown") : word(supply.contact)}
          {supply.contactor !== "resting" && ` · ${word(supply.contactor)}`}</dd>
        <dt>{t("kept open by")}</dt>
        <dd>{supply.reasons.length === 0 ? t("nothing") : supply.reasons.map(word).join(", ")}</dd>
        <dt>{t("limit")}</dt>
        <dd>{limits.length === 0 ? t("none")
          : limits.map((l) => `${fixed(l.threshold ?? 0, 1)} ${l.unit}`).join(", ")}</dd>
        <dt>{t("demand response")}</dt><dd>{word(supply.response)}</dd>
        <dt>{t("relays")}</dt>
        <dd>{supply.relays.map((r, k) => `${k + 1} ${r.on ? t("on") : t("off")}`).join(", ")}</dd>
      </dl>
    </Card>
  );
}

export function TamperCard() {
  const l = live.value;
  if (l === null || l.tamper === undefined) return null;
  const { active, snapshots, service_until_s: service } = l.tamper;
  return (
    <Card title={t("tamper")} class="s4"
      note={service !== null ? `${t("service until")} ${stamp(service, l.utc_offset_min)}` : ""}>
      {active.length === 0
        ? <p><Status kind="ok">{t("no tamper")}</Status></p>
        : <ul class="plain">
          {active.map((a) => (
            <li><Status kind="alarm">{a.phase === null ? a.what : `${a.what} · L${a.phase}`}</Status>
            </li>
          ))}
        </ul>}
      {snapshots.length > 0 && (
        <dl class="facts">
          {snapshots.slice(0, 3).map((s) => (
            <><dt>{stamp(s.at_s, l.utc_offset_min)}</dt><dd>{s.what}</dd></>
          ))}
        </dl>
      )}
    </Card>
  );
}
