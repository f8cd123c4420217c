import { fixed } from "../../kit/format";
import { Card } from "../../kit/parts";
import { Phasor } from "../../kit/Phasor";
import { Curve } from "./Curve";
import { EventRows } from "./EventsView";
import { LcdCard } from "./Lcd";
import { events, live } from "./state";
import { SupplyCard, TamperCard } from "./SupplyCards";
import { t } from "./words";

function rotation(uDeg: number[]): string {
  if (uDeg.length < 3) return t("single phase");
  const second = (((uDeg[1] ?? 0) - (uDeg[0] ?? 0)) % 360 + 360) % 360;
  return second > 180 ? t("rotation right") : t("rotation left");
}

function describe(): string {
  const l = live.value;
  if (l === null) return "";
  return l.phase.u_v.map((u, k) =>
    `U${k + 1} ${fixed(u, 1)} V at ${fixed(l.phase.u_deg[k] ?? 0, 1)}°, I${k + 1} ${
      fixed(l.phase.i_a[k] ?? 0, 2)} A at ${fixed(l.phase.i_deg[k] ?? 0, 1)}°`).join("; ");
}

export function LiveView() {
  const l = live.value;
  return (
    <>
      <Card title={t("phasors")} class="s4" note={l === null ? "" : rotation(l.phase.u_deg)}>
        {l !== null && (
          <div class="phasor">
            <Phasor u={l.phase.u_v} i={l.phase.i_a} uDeg={l.phase.u_deg} iDeg={l.phase.i_deg}
              summary={describe()} />
            <div class="scroll">
              <table class="mono">
                <thead>
                  <tr><th /><th class="right">U</th><th class="right">I</th>
                    <th class="right">φ</th></tr>
                </thead>
                <tbody>
                  {l.phase.u_v.map((_, k) => {
                    const phi = ((((l.phase.u_deg[k] ?? 0) - (l.phase.i_deg[k] ?? 0) + 540) % 360)
                      + 360) % 360 - 180;
                    return (
                      <tr>
                        <td>L{k + 1}</td>
                        <td class="right">{fixed(l.phase.u_deg[k] ?? 0, 2)}°</td>
                        <td class="right">{fixed(l.phase.i_deg[k] ?? 0, 2)}°</td>
                        <td class="right">{fixed(phi, 2)}°</td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
          </div>
        )}
      </Card>
      <Card title={t("load curve, 24 h")} class="s8" note={t("mean power per interval")}>
        <Curve last={96} height={400} />
      </Card>
      <LcdCard />
      <SupplyCard />
      <TamperCard />
      <Card title={t("latest events")} note={<a href="#/events">{t("all events")}</a>}>
        <EventRows events={events.value.slice(0, 5)} />
      </Card>
    </>
  );
}
