// One waveform capture: its curves, and the file.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { fixed, stamp } from "../../kit/format";
import { getJson } from "../../kit/net";
import { Card } from "../../kit/parts";
import { Waveform } from "../../kit/Waveform";
import { captures } from "./qualityState";
import type { Capture, CaptureWaveform } from "./qualityState";
import { live } from "./state";
import { t } from "./words";

const NEAR_BEFORE_US = 40000;
const NEAR_AFTER_US = 160000;
const LEAST_US = 2000;
const NARROW_PX = 600; // a whole capture would be a block of ink

/** The name of the capture to show; empty: none. */
export const shown = signal("");

const waveform = signal<CaptureWaveform | null>(null);
const problem = signal("");
let asked = "";

function read(name: string, fromUs?: number, toUs?: number): void {
  const query = fromUs === undefined || toUs === undefined ? ""
    : `?from=${Math.max(Math.round(fromUs), 0)}&to=${Math.max(Math.round(toUs), 0)}`;
  const path = `/api/captures/${encodeURIComponent(name)}.json${query}`;
  asked = path;
  getJson<CaptureWaveform>(path).then((w) => {
    if (asked !== path) return;
    problem.value = "";
    if (query === "" && innerWidth < NARROW_PX && w.length_us > NEAR_AFTER_US * 2)
      show(w, w.trigger_us - NEAR_BEFORE_US, w.trigger_us + NEAR_AFTER_US);
    else waveform.value = w;
  }, (e: Error) => {
    if (asked === path) problem.value = e.message;
  });
}

/** Shows a part of what is loaded, kept within the capture. */
function show(w: CaptureWaveform, fromUs: number, toUs: number): void {
  const length = Math.min(Math.max(toUs - fromUs, LEAST_US), w.length_us);
  const from = Math.min(Math.max(fromUs, 0), w.length_us - length);
  read(w.name, from, from + length);
}

function Zoom(props: { w: CaptureWaveform }) {
  const { w } = props;
  const length = w.to_us - w.from_us;
  const middle = (w.from_us + w.to_us) / 2;
  const moves: [string, string, number, number][] = [
    ["whole", t("whole"), 0, w.length_us],
    ["trigger", t("around the trigger"), w.trigger_us - NEAR_BEFORE_US,
      w.trigger_us + NEAR_AFTER_US],
    ["in", "+", middle - length / 4, middle + length / 4],
    ["out", "\u2212", middle - length, middle + length],
    ["left", "◂", w.from_us - length / 2, w.to_us - length / 2],
    ["right", "▸", w.from_us + length / 2, w.to_us + length / 2],
  ];
  return (
    <div class="filters" role="group" aria-label={t("part shown")}>
      {moves.map(([key, text, from, to]) => (
        <button onClick={() => show(w, from, to)} aria-label={t(`zoom ${key}`)}>{text}</button>
      ))}
    </div>
  );
}

/** The curves in numbers. */
function Extremes(props: { w: CaptureWaveform }) {
  return (
    <details>
      <summary>{t("as a table")}</summary>
      <table class="mono">
        <thead>
          <tr><th scope="col">{t("channel")}</th><th scope="col" class="right">{t("least")}</th>
            <th scope="col" class="right">{t("largest")}</th></tr>
        </thead>
        <tbody>
          {props.w.channels.map((c) => {
            const values = c.points.filter((p): p is number => p !== null);
            const least = values.reduce((a, b) => Math.min(a, b), Infinity);
            const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
            return (
              <tr>
                <th scope="row">{c.name}</th>
                <td class="right">{values.length === 0 ? "–" : fixed(least, 2)} {c.unit}</td>
                <td class="right">{values.length === 0 ? "–" : fixed(most, 2)} {c.unit}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </details>
  );
}

function textOf(c: Capture): string {
  const offset = live.value?.utc_offset_min ?? 0;
  const ms = Math.floor(c.trigger_us / 1000) % 1000;
  return `${stamp(c.trigger_us / 1e6, offset)}.${String(ms).padStart(3, "0")} ${
    t(c.event.replace("-", "_"))}`;
}

export function CaptureCard() {
  const all = captures.value;
  const now = all.find((c) => c.name === shown.value) ?? all[0];
  const name = now?.name ?? "";
  useEffect(() => {
    if (name !== "" && waveform.value?.name !== name) read(name);
  }, [name]);
  const w = waveform.value?.name === name ? waveform.value : null;
  if (now === undefined)
    return <Card title={t("waveform")} class="s7"><p class="empty">{t("no captures")}</p></Card>;
  return (
    <Card title={t("waveform")} class="s7"
      note={<a href={`/api/captures/${encodeURIComponent(name)}`} download={name}>
        {t("download comtrade")} ({fixed(now.size / 1024, 0)} kB)</a>}>
      <div class="choices">
        <label class="choice">
          {t("capture")}
          <select value={name} onChange={(e) => (shown.value = e.currentTarget.value)}>
            {all.map((c) => <option value={c.name}>{textOf(c)}</option>)}
          </select>
        </label>
        {w !== null && <Zoom w={w} />}
      </div>
      {problem.value !== "" && <p>{problem.value}</p>}
      {w !== null && (
        <>
          <Waveform channels={w.channels} fromMs={(w.from_us - w.trigger_us) / 1000}
            toMs={(w.to_us - w.trigger_us) / 1000} name={`${t("waveform")}: ${textOf(now)}`}
            hint={`${fixed(w.rate_hz, 0)} Hz · ${w.frames_per_piece === 1 ? t("every sample")
              : t("least and largest")} · ${t("waveform hint")}`} />
          <Extremes w={w} />
        </>
      )}
    </Card>
  );
}
