import { useEffect, useState } from "preact/hooks";

import texts from "../../kit/events.json";
import { getJson } from "../../kit/net";
import { Card } from "../../kit/parts";
import type { HeadEvent, Meter } from "./api";
import { BillCard } from "./BillCard";
import { ControlCard } from "./ControlCard";
import { CurveCard } from "./CurveCard";
import { Supply } from "./FleetView";
import { announced, meters, news } from "./state";
import { t } from "./words";
import { local } from "./when";

const SETTLE_MS = 700;

/** A number that changes, at most every SETTLE_MS, when the stream had news of this meter. */
function useNews(serial: string): number {
  const [seen, setSeen] = useState(0);
  const now = news.value[serial] ?? 0;
  useEffect(() => {
    const timer = setTimeout(() => setSeen(now), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [Math.floor(now / 3), serial]);
  return seen;
}

function what(code: number): string {
  return (texts as Record<string, { text: string }>)[String(code)]?.text ?? "Event";
}

function Events(props: { serial: string; version: number }) {
  const [events, setEvents] = useState<HeadEvent[]>([]);
  useEffect(() => {
    getJson<{ events: HeadEvent[] }>(`/api/meters/${props.serial}/events`)
      .then((a) => setEvents([...a.events].sort((x, y) => y.seq - x.seq).slice(0, 50)),
        () => undefined);
  }, [props.serial, props.version]);
  const soon = (announced.value[props.serial] ?? [])
    .filter((a) => !events.some((e) => e.code === a.code && Date.parse(e.at) === Date.parse(a.at)));
  return (
    <Card title={t("events")} class="s6" note={`${events.length}`}>
      {events.length + soon.length === 0 ? <p class="empty">{t("no events")}</p> : (
        <div class="scroll tall" tabIndex={0} role="region" aria-label={t("events")}>
          <table>
            <thead><tr><th>{t("when")}</th><th>{t("what")}</th></tr></thead>
            <tbody>
              {soon.map((a) => (
                <tr key={`soon${a.at}-${a.code}`}>
                  <td class="nowrap">{local(a.at)}</td>
                  <td>
                    {what(a.code)} <span class="muted mono">{a.code}</span>{" "}
                    <span class="muted">{t("announced")}</span>
                  </td>
                </tr>
              ))}
              {events.map((e) => (
                <tr key={`${e.log}${e.seq}`}>
                  <td class="nowrap">{local(e.at)}</td>
                  <td>{what(e.code)} <span class="muted mono">{e.code}</span></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function Head(props: { serial: string }) {
  const [meter, setMeter] = useState<Meter | null>(null);
  useEffect(() => {
    getJson<Meter>(`/api/meters/${props.serial}`).then(setMeter, () => setMeter(null));
  }, [props.serial]);
  const row = meters.value.find((m) => m.serial === props.serial);
  return (
    <section class="card head">
      <div>
        <div class="title">{row?.name ?? props.serial}</div>
        <p class="muted">
          <span class="mono">{props.serial}</span> · {t(row?.phases === 3 ? "three phase" : "single phase")} ·{" "}
          {meter?.address ?? ""} · {t("plan")} {row?.plan ?? "–"}
        </p>
      </div>
      <div class="right">
        <Supply supply={row?.supply ?? "unknown"} />
        <p class="muted">{t("collected")} {local(row?.collected_to)}</p>
      </div>
    </section>
  );
}

export function MeterView(props: { serial: string }) {
  const version = useNews(props.serial);
  return (
    <>
      <Head serial={props.serial} />
      <CurveCard serial={props.serial} version={version} />
      <BillCard serial={props.serial} version={version} />
      <Events serial={props.serial} version={version} />
      <ControlCard serial={props.serial} version={version} />
    </>
  );
}
