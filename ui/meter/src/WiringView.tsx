// The installation check: what the phasors say of the wiring, and what to change.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { fixed, power } from "../../kit/format";
import { getJson } from "../../kit/net";
import { Card, Status } from "../../kit/parts";
import { Phasor } from "../../kit/Phasor";
import type { Balance, PhasePower, Wiring } from "./api";
import { t } from "./words";

const REFRESH_MS = 2000;

const wiring = signal<Wiring | null>(null);
const balance = signal<Balance | null>(null);
const problem = signal("");
const load = signal("any");
const flow = signal("import");
const rated = signal("5");

function read(): void {
  const query = new URLSearchParams({ load: load.value, flow: flow.value, rated: rated.value });
  getJson<Wiring>(`/api/wiring?${query}`).then((w) => {
    wiring.value = w;
    problem.value = "";
  }, (e: Error) => (problem.value = e.message));
  getJson<Balance>("/api/balance").then((b) => (balance.value = b), () => undefined);
}

function Choice(props: { label: string; value: { value: string }; options: string[] }) {
  return (
    <label class="choice">
      {props.label}
      <select value={props.value.value}
        onChange={(e) => { props.value.value = e.currentTarget.value; read(); }}>
        {props.options.map((o) => <option value={o}>{t(`say ${o}`)}</option>)}
      </select>
    </label>
  );
}

function Declared() {
  return (
    <div class="choices">
      <Choice label={t("loads are")} value={load} options={["any", "inductive", "capacitive"]} />
      <Choice label={t("power flows")} value={flow} options={["import", "export", "either"]} />
      <label class="choice">
        {t("rated current")}
        <input type="number" min="0.1" step="any" value={rated.value}
          onChange={(e) => { rated.value = e.currentTarget.value; read(); }} />
      </label>
    </div>
  );
}

function Powers(props: { rows: PhasePower[]; from?: (number | null)[]; sign?: number[] }) {
  return (
    <div class="scroll">
      <table class="mono">
        <thead>
          <tr><th />{props.from && <th>{t("current from")}</th>}<th class="right">U</th>
            <th class="right">I</th><th class="right">φ</th><th class="right">P</th>
            <th class="right">PF</th></tr>
        </thead>
        <tbody>
          {props.rows.map((row, k) => {
            const p = power(row.p_w);
            const from = props.from?.[k];
            return (
              <tr>
                <td>L{k + 1}</td>
                {props.from && <td>{from == null ? "–"
                  : `${(props.sign?.[k] ?? 1) < 0 ? "−" : ""}I${from}`}</td>}
                <td class="right nowrap">{fixed(row.u_v, 1)} V</td>
                <td class="right nowrap">{fixed(row.i_a, 3)} A</td>
                <td class="right nowrap">{fixed(row.angle_deg, 1)}°</td>
                <td class="right nowrap">{p.value} {p.unit}</td>
                <td class="right">{fixed(row.pf, 3)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Verdict(props: { w: Wiring }) {
  const w = props.w;
  const kind = !w.told ? "warn" : w.findings.length > 0 ? "alarm" : "ok";
  return (
    <>
      <p class="verdict"><Status kind={kind}>{t(`reason ${w.told && w.findings.length > 0
        ? "wrong" : w.reason}`)}</Status></p>
      <ul class="findings">
        {w.findings.map((f) => <li>{f.text}<span class="muted">{f.remedy}</span></li>)}
      </ul>
      {w.rival !== null && (w.reason === "ambiguous" || w.findings.length > 0) && (
        <>
          <p>{w.reason === "ambiguous" ? t("as likely") : t("less likely")}</p>
          <ul class="findings">
            {w.rival.length === 0 && <li>{t("reason told")}</li>}
            {w.rival.map((f) => <li>{f.text}</li>)}
          </ul>
        </>
      )}
    </>
  );
}

function BalanceCard() {
  const b = balance.value;
  if (b === null) return null;
  return (
    <Card title={t("balance")} note={b.intervals > 0
      ? `${t("mean")} ${fixed(b.mean * 100, 0)} %` : ""}>
      <p class="under">{t("imbalance now")}: {t("active power")} {fixed(b.power * 100, 0)} %,{" "}
        {t("current")} {fixed(b.current * 100, 0)} %. {b.text}.</p>
      {b.loads.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr><th>{t("load")}</th><th /><th class="right">{t("times")}</th>
                <th class="right">{t("running")}</th><th class="right">{t("energy")}</th></tr>
            </thead>
            <tbody>
              {b.loads.map((l) => {
                const p = power(l.p_w);
                return (
                  <tr class={b.move?.load === l.number ? "now" : undefined}>
                    <td class="nowrap">L{l.phase} · {p.value} {p.unit}</td>
                    <td>{l.on ? t("on") : ""}</td>
                    <td class="right">{l.times}</td>
                    <td class="right nowrap">{fixed(l.on_s / 60, 0)} min</td>
                    <td class="right nowrap">{fixed(l.energy_wh / 1000, 2)} kWh</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

export function WiringView() {
  useEffect(() => {
    read();
    const timer = setInterval(read, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const w = wiring.value;
  return (
    <>
      {problem.value !== "" && <p class="card">{problem.value}</p>}
      <Card title={t("phasors")} class="s5">
        {w !== null && (
          <Phasor u={w.inputs.u_v} i={w.inputs.i_a} uDeg={w.inputs.u_deg} iDeg={w.inputs.i_deg}
            summary={w.summary} />
        )}
      </Card>
      <Card title={t("verdict")} class="s7">
        <Declared />
        {w === null ? <p class="empty">{t("waiting")}</p> : <Verdict w={w} />}
        {w !== null && <h3>{t("as connected")}</h3>}
        {w !== null && <Powers rows={w.before} />}
        {w !== null && w.findings.length > 0 && <h3>{t("as corrected")}</h3>}
        {w !== null && w.findings.length > 0 && (
          <Powers rows={w.after} from={w.correction.i_from} sign={w.correction.i_sign} />
        )}
      </Card>
      {w !== null && w.phases === 3 && <BalanceCard />}
    </>
  );
}
