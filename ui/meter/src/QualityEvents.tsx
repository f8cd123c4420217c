// Events of the voltage: the list, the ITIC plane, the waveform of one.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { fixed, span, stamp } from "../../kit/format";
import { Itic } from "../../kit/Itic";
import { Card, Status } from "../../kit/parts";
import { CaptureCard, shown as capture } from "./CaptureCard";
import { captureOf, phasesOf } from "./qualityState";
import type { Quality, QualityEvent } from "./qualityState";
import { live } from "./state";
import { t } from "./words";

const chosen = signal<number | null>(null);

/** A plane can only hold what has ended. */
function isPoint(e: QualityEvent): boolean {
  return e.itic !== null && e.duration_ms !== null && e.extreme_percent !== null;
}

function pick(e: QualityEvent): void {
  chosen.value = e.seq;
  const file = captureOf(e);
  if (file !== null) capture.value = file.name;
}

function Verdict(props: { e: QualityEvent }) {
  const { e } = props;
  if (e.duration_ms === null) return <Status kind="warn">{t("under way")}</Status>;
  if (e.itic === null) return <span class="muted">–</span>;
  const itic = e.itic === "inside" ? <Status kind="ok">ITIC {t("itic inside")}</Status>
    : e.itic === "no_damage" ? <Status kind="warn">ITIC {t("itic no_damage")}</Status>
      : <Status kind="alarm">ITIC {t("itic prohibited")}</Status>;
  return (
    <span class="verdicts">
      {itic}
      {e.f47 !== null && (e.f47 === "met" ? <Status kind="ok">F47 {t("f47 met")}</Status>
        : <Status kind="warn">F47 {t("f47 below")}</Status>)}
    </span>
  );
}

function extremeText(e: QualityEvent): string {
  const percent = e.extreme_percent === null ? "" : ` (${fixed(e.extreme_percent, 1)} %)`;
  return `${fixed(e.extreme_v, 1)} V${percent}`;
}

function describe(e: QualityEvent): string {
  const time = e.duration_ms === null ? t("under way") : span(e.duration_ms);
  return `${t(e.kind)} ${phasesOf(e.phases)}: ${extremeText(e)}, ${time}`;
}

function Rows(props: { events: QualityEvent[] }) {
  const offset = live.value?.utc_offset_min ?? 0;
  return (
    <div class="scroll some" tabIndex={0} role="region" aria-label={t("voltage events")}>
      <table class="events">
        <thead>
          <tr><th scope="col">{t("when")}</th><th scope="col">{t("what")}</th>
            <th scope="col" class="right">{t("extreme")}</th>
            <th scope="col" class="right">{t("duration")}</th>
            <th scope="col">{t("means")}</th><th scope="col"><span class="visually-hidden">
              {t("waveform")}</span></th></tr>
        </thead>
        <tbody>
          {props.events.map((e) => (
            <tr key={e.seq} class={e.seq === chosen.value ? "now" : undefined}>
              <td class="nowrap">{stamp(e.begin_s, offset)}</td>
              <td class="nowrap">{t(e.kind)} <span class="muted">{phasesOf(e.phases)}</span></td>
              <td class="right nowrap">{extremeText(e)}</td>
              <td class="right nowrap">{e.duration_ms === null ? "–" : span(e.duration_ms)}</td>
              <td class="judged"><Verdict e={e} /></td>
              <td class="right way">
                {captureOf(e) !== null && (
                  <button class="small" onClick={() => pick(e)}
                    aria-label={`${t("waveform")}: ${describe(e)}`}>{t("waveform")}</button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function QualityEvents(props: { q: Quality }) {
  const { events } = props.q;
  const points = events.filter(isPoint);
  const outside = points.filter((e) => e.itic !== "inside").length;
  useEffect(() => {
    const first = events.find((e) => captureOf(e) !== null);
    if (chosen.value === null && first !== undefined) pick(first);
  });
  return (
    <>
      <Card title={t("voltage events")} note={`${events.length}`}>
        {events.length === 0 ? <p class="empty">{t("no voltage events")}</p>
          : <Rows events={events} />}
      </Card>
      <Card title={t("itic plane")} class="s5" note={`${t("residual or maximum")}, % Un`}>
        <Itic chosen={chosen.value}
          choose={(seq) => {
            const e = events.find((k) => k.seq === seq);
            if (e !== undefined) pick(e);
          }}
          points={points.map((e) => ({ id: e.seq, seconds: (e.duration_ms ?? 0) / 1000,
            percent: e.extreme_percent ?? 0, inside: e.itic === "inside", title: describe(e) }))}
          summary={`${t("itic plane")}: ${points.length} ${t("events")}, ${outside} ${
            t("outside the curve")}`}
          words={{ duration: t("duration"), damage: t("region damage"), stops: t("region stops"),
            inside: t("region inside") }} />
        <p class="tip">{t("itic marks")}</p>
      </Card>
      <CaptureCard />
    </>
  );
}
