// A week of supply voltage against EN 50160, made to be printed.
import { signal } from "@preact/signals";

import { date, fixed } from "../../kit/format";
import { Card, Status } from "../../kit/parts";
import { weeks } from "./qualityState";
import type { Week, WeekRow, Weeks } from "./qualityState";
import { info, live } from "./state";
import { t } from "./words";

const which = signal<"this_week" | "last_week">("this_week");

const DIP_ROWS = ["90 > u ≥ 80 %", "80 > u ≥ 70 %", "70 > u ≥ 40 %", "40 > u ≥ 5 %", "u < 5 %"];
const DIP_COLUMNS = ["≤ 0.2 s", "≤ 0.5 s", "≤ 1 s", "≤ 5 s", "≤ 60 s", "> 60 s"];
const SWELL_ROWS = ["u ≥ 120 %", "120 > u > 110 %"];
const SWELL_COLUMNS = ["≤ 0.5 s", "≤ 5 s", "≤ 60 s", "> 60 s"];

/** A value of a row in its unit. */
function show(row: WeekRow, value: number | null, w: Weeks): string {
  if (value === null) return "–";
  if (row.kind === "frequency") return `${fixed(value * w.nominal_hz * 1000, 1)} mHz`;
  if (row.kind === "flicker") return fixed(value, 3);
  return `${fixed(value * 100, 2)} %`;
}

function limitOf(row: WeekRow): string {
  const size = row.kind === "flicker" ? fixed(row.limit, 0)
    : `${fixed(row.limit * 100, row.kind === "harmonic" ? 1 : 0)} %`;
  const sign = row.kind === "frequency" || row.kind === "voltage" ? "±" : "≤ ";
  const always = row.kind === "frequency" ? `; +4/\u22126 % ${t("always")}`
    : row.kind === "voltage" ? `; +10/\u221215 % ${t("always")}` : "";
  return `${sign}${size} ${t("for")} ${fixed(row.percent, row.percent === 95 ? 0 : 1)} %${always}`;
}

function nameOf(row: WeekRow): string {
  return row.kind === "harmonic" ? `${t("harmonic")} ${row.order}` : t(`week ${row.kind}`);
}

/** Wide to the limit of the bar: the value that is not exceeded most of the time. */
function Gauge(props: { row: WeekRow }) {
  const { row } = props;
  if (row.percentile === null) return null;
  const share = row.percentile / row.limit;
  const state = share > 1 ? "alarm" : share > 0.8 ? "warn" : "ok";
  return (
    <span class={`gauge ${state}`}><i style={{ width: `${Math.min(share / 1.25, 1) * 100}%` }} />
    </span>
  );
}

function Verdict(props: { row: WeekRow }) {
  const { row } = props;
  if (row.met === null) return <span class="muted">{t("no values yet")}</span>;
  if (row.met) return <Status kind="ok">{t("met")}</Status>;
  return <Status kind="alarm">{row.outside > 0 ? t("outside at times") : t("not met")}</Status>;
}

function Row(props: { row: WeekRow; w: Weeks }) {
  const { row, w } = props;
  const share = row.values > 0 ? (row.within / row.values) * 100 : null;
  return (
    <tr>
      <th scope="row" class="name">{nameOf(row)}</th>
      <td class="which">{row.phase === null ? "" : `L${row.phase}`}</td>
      <td class="nowrap muted limit">{limitOf(row)}</td>
      <td class="right many">{fixed(row.values, 0)}</td>
      <td class="right nowrap share">{share === null ? "–" : `${fixed(share, 1)} %`}</td>
      <td class="right nowrap level">{show(row, row.percentile, w)}<Gauge row={row} /></td>
      <td class="right nowrap most">{show(row, row.largest, w)}</td>
      <td class="judged"><Verdict row={row} /></td>
    </tr>
  );
}

function Rows(props: { rows: WeekRow[]; w: Weeks; title: string; tall?: boolean }) {
  return (
    <div class={props.tall ? "scroll tall" : "scroll"} tabIndex={0} role="region"
      aria-label={props.title}>
      <table class="week">
        <thead>
          <tr><th scope="col">{t("characteristic")}</th><th scope="col">
            <span class="visually-hidden">{t("phase")}</span></th>
            <th scope="col">{t("limit")}</th><th scope="col" class="right">{t("values")}</th>
            <th scope="col" class="right">{t("within")}</th>
            <th scope="col" class="right">{t("percentile")}</th>
            <th scope="col" class="right">{t("largest")}</th>
            <th scope="col">{t("week verdict")}</th></tr>
        </thead>
        <tbody>{props.rows.map((row) => <Row row={row} w={props.w} />)}</tbody>
      </table>
    </div>
  );
}

/** Of each phase the harmonic that comes nearest to its limit. */
function worst(rows: WeekRow[]): WeekRow[] {
  const closeness = (r: WeekRow) => (r.met === false ? 100 : 0) + (r.percentile ?? 0) / r.limit;
  return [1, 2, 3].flatMap((phase) => rows
    .filter((r) => r.kind === "harmonic" && r.phase === phase && r.values > 0)
    .sort((a, b) => closeness(b) - closeness(a)).slice(0, 1));
}

function Cells(props: { title: string; rows: string[]; columns: string[]; cells: number[][] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={props.title}>
      <table class="cells">
        <thead><tr><th scope="col">{props.title}</th>{props.columns.map((c) => (
          <th scope="col" class="right">{c}</th>))}</tr></thead>
        <tbody>
          {props.cells.map((row, k) => (
            <tr>
              <th scope="row" class="name">{props.rows[k]}</th>
              {row.map((n) => <td class={`right${n === 0 ? " muted" : ""}`}>{n}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Summary(props: { week: Week }) {
  const known = props.week.rows.filter((r) => r.met !== null);
  const failed = known.filter((r) => r.met === false);
  if (known.length === 0) return <p class="verdict">{t("no values yet")}</p>;
  if (failed.length === 0)
    return <p class="verdict">{t("all met")} ({known.length})</p>;
  const names = [...new Set(failed.map((r) => `${nameOf(r)}${
    r.phase === null ? "" : ` L${r.phase}`}`))];
  return (
    <p class="verdict">{t("some not met")} ({failed.length} / {known.length}):{" "}
      {names.slice(0, 8).join(", ")}{names.length > 8 ? " …" : ""}</p>
  );
}

function Cards(props: { week: Week; w: Weeks }) {
  const { week, w } = props;
  const main = week.rows.filter((r) => r.kind !== "harmonic");
  const harmonics = week.rows.filter((r) => r.kind === "harmonic");
  return (
    <>
      <Card title={t("characteristics")} note={`Un ${fixed(w.nominal_v, 0)} V · ${
        fixed(w.nominal_hz, 0)} Hz · ${t("kept out")} ${fixed(week.flagged, 0)}`}>
        <Summary week={week} />
        <Rows rows={[...main, ...worst(week.rows)]} w={w} title={t("characteristics")} />
        <p class="tip">{t("week note")}</p>
        <details class="no-print">
          <summary>{t("all harmonics")}</summary>
          <Rows rows={harmonics} w={w} title={t("all harmonics")} tall />
        </details>
      </Card>
      <Card title={t("dips of the week")} class="s7" note={t("number by depth and duration")}>
        <Cells title={t("residual voltage")} rows={DIP_ROWS} columns={DIP_COLUMNS}
          cells={week.dips} />
      </Card>
      <Card title={t("other events")} class="s5">
        <Cells title={t("swells")} rows={SWELL_ROWS} columns={SWELL_COLUMNS}
          cells={week.swells} />
        <dl class="facts">
          <dt>{t("interruptions short")}</dt><dd>{week.interruptions[0] ?? 0}</dd>
          <dt>{t("interruptions long")}</dt><dd>{week.interruptions[1] ?? 0}</dd>
          <dt>{t("rapid changes")}</dt><dd>{week.rapid_changes}</dd>
          <dt>{t("transients")}</dt><dd>{week.transients}</dd>
        </dl>
      </Card>
    </>
  );
}

export function WeekCards() {
  const w = weeks.value;
  if (w === null) return <p class="empty">{t("waiting")}</p>;
  const week = w[which.value];
  const offset = live.value?.utc_offset_min ?? 0;
  return (
    <>
      <div class="week-head">
        <div>
          <p class="verdict">EN 50160 · {info.value?.serial ?? ""}</p>
          {week !== null && (
            <p class="muted">{date(week.begin_us / 1e6, offset)} –{" "}
              {date(week.end_us / 1e6 - 1, offset)} · {t("weeks are utc")}</p>
          )}
        </div>
        <div class="filters no-print">
          {(["this_week", "last_week"] as const).map((k) => (
            <button aria-pressed={k === which.value} onClick={() => (which.value = k)}>
              {t(k)}</button>
          ))}
          <button onClick={() => print()}>{t("print")}</button>
        </div>
      </div>
      {week === null ? <p class="card">{t(`no ${which.value}`)}</p> : <Cards week={week} w={w} />}
    </>
  );
}
