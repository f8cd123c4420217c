// Power quality: now, harmonics, events, the week of EN 50160.
import { useEffect } from "preact/hooks";

import { clock, fixed } from "../../kit/format";
import { Card, Status } from "../../kit/parts";
import { route } from "../../kit/route";
import { HarmonicsCard } from "./HarmonicsCard";
import { QualityEvents } from "./QualityEvents";
import { follow, problem, quality, weeks } from "./qualityState";
import type { Interval, Quality } from "./qualityState";
import { live } from "./state";
import { WeekCards } from "./WeekCards";
import { t } from "./words";

const PAGES = ["now", "harmonics", "events", "week"];

type Level = "3 s" | "10 min" | "2 h";

interface Row {
  title: string;
  level: Level;
  values: (number | null | undefined)[] | undefined;
  decimals: number;
  unit: string;
  limit?: number; // of EN 50160, or what people notice
}

/** A value, and how much of its limit it takes. */
function Cell(props: { value: number | null | undefined; row: Row }) {
  const { value, row } = props;
  if (value === null || value === undefined) return <td class="right muted">–</td>;
  const share = row.limit === undefined ? null : value / row.limit;
  const state = share === null ? "" : share > 1 ? "alarm" : share > 0.8 ? "warn" : "ok";
  return (
    <td class="right nowrap level">
      {fixed(value, row.decimals)}{row.unit && <span class="muted unit"> {row.unit}</span>}
      {share !== null && (
        <span class={`gauge ${state}`} title={`${fixed(share * 100, 0)} % ${t("of the limit")} ${
          fixed(row.limit ?? 0, 0)} ${row.unit}`}>
          <i style={{ width: `${Math.min(share / 1.25, 1) * 100}%` }} />
          {share > 1 && <span class="visually-hidden">{t("above the limit")}</span>}
        </span>
      )}
    </td>
  );
}

function Group(props: { title: string; rows: Row[]; columns: number }) {
  return (
    <>
      <tr class="group"><th colSpan={props.columns + 1} scope="rowgroup">{props.title}</th></tr>
      {props.rows.map((row) => (
        <tr>
          <th scope="row" class="name">{row.title} <span class="over">{row.level}
            {row.unit && <span class="narrow"> · {row.unit}</span>}</span></th>
          {Array.from({ length: props.columns }, (_, k) => (
            <Cell value={row.values?.[k]} row={row} />
          ))}
        </tr>
      ))}
    </>
  );
}

function voltageRows(q: Quality): Row[] {
  const rows: Row[] = [
    { title: "U", level: "3 s", values: q.three_s?.voltage.u_v, decimals: 2, unit: "V" },
    { title: "U", level: "10 min", values: q.ten_min?.voltage.u_v, decimals: 2, unit: "V" },
    { title: t("underdeviation"), level: "10 min", values: q.ten_min?.voltage.under_percent,
      decimals: 2, unit: "%", limit: 10 },
    { title: t("overdeviation"), level: "10 min", values: q.ten_min?.voltage.over_percent,
      decimals: 2, unit: "%", limit: 10 },
    { title: "THD-U", level: "3 s", values: q.three_s?.voltage.thd_percent, decimals: 2,
      unit: "%", limit: 8 },
    { title: "THD-U", level: "10 min", values: q.ten_min?.voltage.thd_percent, decimals: 2,
      unit: "%", limit: 8 },
    { title: t("crest factor"), level: "3 s", values: q.three_s?.voltage.crest, decimals: 3,
      unit: "" },
  ];
  if (q.signal_hz > 0)
    rows.push({ title: `${t("signalling")} ${fixed(q.signal_hz, 1)} Hz`, level: "3 s",
      values: q.three_s?.voltage.signal_v, decimals: 2, unit: "V" });
  return rows;
}

function currentRows(q: Quality): Row[] {
  const now = q.three_s?.current;
  return [
    { title: "I", level: "3 s", values: now?.i_a, decimals: 3, unit: "A" },
    { title: "THD-I", level: "3 s", values: now?.thd_percent, decimals: 1, unit: "%" },
    { title: t("crest factor"), level: "3 s", values: now?.crest, decimals: 3, unit: "" },
    { title: t("k factor"), level: "3 s", values: now?.k_factor, decimals: 2, unit: "" },
  ];
}

function flickerRows(q: Quality): Row[] {
  return [
    { title: "Pinst", level: "3 s", values: q.three_s?.voltage.pinst_max, decimals: 2, unit: "" },
    { title: "Pst", level: "10 min", values: q.ten_min?.voltage.pst, decimals: 3, unit: "",
      limit: 1 },
    { title: "Plt", level: "2 h", values: q.two_h?.voltage.plt, decimals: 3, unit: "", limit: 1 },
  ];
}

function until(interval: Interval | null): string {
  const offset = live.value?.utc_offset_min ?? 0;
  if (interval === null || interval.end_us === null) return t("not complete yet");
  const flagged = interval.flagged > 0 ? `, ${t("flagged")}` : "";
  return `${t("until")} ${clock(interval.end_us / 1e6, offset, true)}${flagged}`;
}

function PhasesCard(props: { q: Quality }) {
  const { q } = props;
  const currents = q.three_s?.current.i_a.length ?? q.phases;
  const columns = Math.max(q.phases, currents);
  const heads = Array.from({ length: columns }, (_, k) => (k < q.phases ? `L${k + 1}` : "N"));
  return (
    <Card title={t("by phase")} class="s8"
      note={`3 s ${until(q.three_s)} · 10 min ${until(q.ten_min)} · 2 h ${until(q.two_h)}`}>
      <div class="scroll" tabIndex={0} role="region" aria-label={t("by phase")}>
        <table class="levels">
          <thead>
            <tr><td />{heads.map((h) => <th scope="col" class={`right head ${h.toLowerCase()}`}>{h}
            </th>)}</tr>
          </thead>
          <tbody>
            <Group title={t("voltage")} rows={voltageRows(q)} columns={columns} />
            <Group title={t("currents")} rows={currentRows(q)} columns={columns} />
            <Group title={t("flicker")} rows={flickerRows(q)} columns={columns} />
          </tbody>
        </table>
      </div>
      <p class="tip">{t("gauge means")}</p>
    </Card>
  );
}

/** How the week stands, with the way there. */
function WeekState() {
  const rows = weeks.value?.this_week?.rows.filter((r) => r.met !== null) ?? [];
  if (rows.length === 0) return null;
  const met = rows.filter((r) => r.met).length;
  return (
    <>
      <h3>EN 50160</h3>
      <p><Status kind={met === rows.length ? "ok" : "alarm"}>
        {met} / {rows.length} {t("met")}</Status>{" "}
        <a href="#/quality/week">{t("this_week")}</a></p>
    </>
  );
}

/** The least and the largest voltage of 10/12 cycles. */
function Extremes(props: { interval: Interval | null }) {
  const v = props.interval?.voltage;
  if (v === undefined) return null;
  const text = (value: number | null | undefined) => fixed(value ?? 0, 2);
  return (
    <>
      <h3>{t("extremes of u")} <span class="over">10 min</span></h3>
      <table class="levels few">
        <tbody>
          {v.u_min_v.map((least, k) => (
            <tr>
              <th scope="row" class="name">L{k + 1}</th>
              <td class="right nowrap">{text(least)} – {text(v.u_max_v[k])}
                <span class="muted"> V</span></td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function SystemCard(props: { q: Quality }) {
  const { q } = props;
  const f = q.frequency_10_s;
  const offset = live.value?.utc_offset_min ?? 0;
  const off = f === null ? 0 : (f.f_hz - q.nominal_hz) * 1000;
  const now = q.three_s?.unbalance ?? null;
  const ten = q.ten_min?.unbalance ?? null;
  const rows: [string, Level, number | undefined, number | undefined][] = [
    ["u2", "10 min", ten?.u2_percent, 2], ["u0", "10 min", ten?.u0_percent, undefined],
    ["u2", "3 s", now?.u2_percent, 2], ["u0", "3 s", now?.u0_percent, undefined],
    ["i2", "3 s", now?.i2_percent, undefined], ["i0", "3 s", now?.i0_percent, undefined]];
  return (
    <Card title={t("frequency")} class="s4" note="10 s">
      {f === null ? <p class="empty">{t("not complete yet")}</p> : (
        <>
          <div class="big">{fixed(f.f_hz, 4)}<small>Hz</small></div>
          <p class="muted">{off >= 0 ? "+" : ""}{fixed(off, 1)} mHz · {t("until")}{" "}
            {clock(f.end_us / 1e6, offset, true)}</p>
        </>
      )}
      {q.phases === 3 && (
        <>
          <h3>{t("unbalance")}</h3>
          <table class="levels few">
            <tbody>
              {rows.map(([name, level, value, limit]) => (
                <tr>
                  <th scope="row" class="name">{name.charAt(0)}<sub>{name.slice(1)}</sub>{" "}
                    <span class="muted">{t(name)}</span> <span class="over">{level}</span></th>
                  <Cell value={value}
                    row={{ title: name, level, values: undefined, decimals: 2, unit: "%", limit }} />
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      <Extremes interval={q.ten_min} />
      <WeekState />
    </Card>
  );
}

export function QualityView() {
  useEffect(follow, []);
  const q = quality.value;
  const page = route.value.split("/")[1] ?? "now";
  return (
    <>
      <nav class="filters subnav" aria-label={t("quality")}>
        {PAGES.map((p) => (
          <a href={`#/quality/${p}`} aria-current={p === page ? "page" : undefined}>
            {t(`quality ${p}`)}</a>
        ))}
      </nav>
      {problem.value !== "" && <p class="card">{problem.value}</p>}
      {q !== null && !q.analysed && <p class="card">{t("not analysed")}</p>}
      {q === null && page !== "week" && <p class="empty">{t("waiting")}</p>}
      {q !== null && page === "now" && <><PhasesCard q={q} /><SystemCard q={q} /></>}
      {q !== null && page === "harmonics" && <HarmonicsCard q={q} />}
      {q !== null && page === "events" && <QualityEvents q={q} />}
      {page === "week" && <WeekCards />}
    </>
  );
}
