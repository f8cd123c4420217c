import { fixed } from "../../kit/format";
import { Card, Status } from "../../kit/parts";
import type { MeterRow } from "./api";
import { fleet, meters } from "./state";
import { t } from "./words";
import { local } from "./when";

const KIND = { ok: "ok", late: "warn", failing: "alarm", never: "warn" } as const;

function Figure(props: { label: string; value: string; note?: string }) {
  return (
    <div>
      <h2>{props.label}</h2>
      <div class="figure">{props.value}<small>{props.note}</small></div>
    </div>
  );
}

export function Supply(props: { supply: MeterRow["supply"] }) {
  if (props.supply === "connected") return <Status kind="ok">{t("connected")}</Status>;
  if (props.supply === "disconnected") return <Status kind="alarm">{t("disconnected")}</Status>;
  return <span class="muted">{t("unknown")}</span>;
}

function Row(props: { meter: MeterRow }) {
  const m = props.meter;
  const open = () => (location.hash = `#/meter/${m.serial}`);
  return (
    <tr class="link" onClick={open}>
      <td class="mono"><a href={`#/meter/${m.serial}`}>{m.serial}</a></td>
      <td>{m.name}</td>
      <td><Status kind={KIND[m.status]}>{t(m.status)}</Status>{" "}
        <span class="muted">{m.status === "failing" ? m.why : ""}</span></td>
      <td><Supply supply={m.supply} /></td>
      <td class="nowrap">{local(m.collected_to)}</td>
      <td>{m.plan}</td>
      <td class="right">{fixed(m.readings, 0)}</td>
    </tr>
  );
}

export function FleetView() {
  const f = fleet.value;
  return (
    <>
      {f !== null && (
        <section class="card figures">
          <Figure label={t("meters reporting")} value={fixed(f.status.ok, 0)}
            note={` ${t("of")} ${fixed(f.meters, 0)}`} />
          <Figure label={t("supply off")} value={fixed(f.disconnected, 0)} />
          <Figure label={t("readings")} value={fixed(f.readings, 0)} />
          <Figure label={t("gaps")} value={fixed(f.archive.gaps, 0)} />
          <Figure label={t("exceptions")} value={fixed(f.archive.exceptions, 0)} />
          <Figure label={t("newest")} value={local(f.newest_interval).slice(11)}
            note={` ${local(f.newest_interval).slice(0, 10)}`} />
        </section>
      )}
      <Card title={t("meters")} note={fixed(meters.value.length, 0)}>
        <div class="scroll" tabIndex={0} role="region" aria-label={t("meters")}>
          <table>
            <thead>
              <tr><th>{t("meter")}</th><th>{t("name")}</th><th>{t("status")}</th>
                <th>{t("supply")}</th><th>{t("collected")}</th><th>{t("plan")}</th>
                <th class="right">{t("readings")}</th></tr>
            </thead>
            <tbody>{meters.value.map((m) => <Row meter={m} key={m.serial} />)}</tbody>
          </table>
        </div>
      </Card>
    </>
  );
}
