// A piece of waveforms: voltages above, currents below, one time axis, the trigger as a line.
import { useState } from "preact/hooks";

import { fixed } from "./format";
import { useWidth } from "./parts";

export interface WaveChannel {
  name: string;
  unit: string;
  phase: number | null; // 1..3, 4 = neutral
  points: (number | null)[];
}

export interface WaveformProps {
  channels: WaveChannel[];
  fromMs: number; // of the first point, from the trigger
  toMs: number; // behind the last
  name: string; // for screen readers
  hint: string;
}

const COLOURS = ["var(--l1)", "var(--l2)", "var(--l3)", "var(--n)"];
const DASHES = [undefined, "7 2", "2 2", "7 2 2 2"];
const LEFT = 52;
const TOP = 8;
const BOTTOM = 22;

const colour = (c: WaveChannel) => COLOURS[(c.phase ?? 4) - 1] ?? "var(--n)";

function ceiling(most: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(most, 1e-3)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((k) => k * decade).find((v) => v >= most) ?? most;
}

function ticks(from: number, to: number, room: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
    .find((s) => (to - from) / s <= room / 70) ?? 10000;
  const marks: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) marks.push(t);
  return marks;
}

/** Waveforms of the phases can be told apart without colour: by dashes, if there is room. */
function Panel(props: { channels: WaveChannel[]; unit: string; w: number; height: number;
  x: (ms: number) => number; at: (k: number, count: number) => number; marks: number[];
  cursor: number | null; dashed: boolean; axis: boolean }) {
  const values = props.channels.flatMap((c) => c.points.map((p) => Math.abs(p ?? 0)));
  const top = ceiling(values.reduce((a, b) => Math.max(a, b), 0) * 1.03);
  const bottom = props.axis ? BOTTOM : 6;
  const h = props.height - TOP - bottom;
  const y = (v: number) => TOP + ((top - v) / (2 * top)) * h;
  const path = (points: (number | null)[]) => {
    let pen = "M";
    return points.map((p, k) => {
      if (p === null) {
        pen = "M";
        return "";
      }
      const text = `${pen}${props.x(props.at(k, points.length)).toFixed(1)} ${y(p).toFixed(1)}`;
      pen = "L";
      return text;
    }).join("");
  };
  return (
    <svg class="chart" height={props.height} aria-hidden="true">
      {[top, top / 2, 0, -top / 2, -top].map((v) => (
        <g>
          <line x1={LEFT} x2={LEFT + props.w} y1={y(v)} y2={y(v)} class="grid" />
          {Math.abs(v) !== top / 2 && (
            <text x={LEFT - 6} y={y(v)} text-anchor="end" dominant-baseline="middle">
              {fixed(v, 3).replace(/\.?0+$/, "")}{v === top ? ` ${props.unit}` : ""}
            </text>
          )}
        </g>
      ))}
      {props.marks.map((t) => (
        <g>
          <line x1={props.x(t)} x2={props.x(t)} y1={TOP} y2={TOP + h} class="grid"
            style={t === 0 ? { stroke: "var(--alarm)", strokeWidth: 2 } : undefined} />
          {props.axis && (
            <text x={props.x(t)} y={props.height - 6}
              text-anchor={props.x(t) > LEFT + props.w - 14 ? "end" : "middle"}>
              {fixed(t, 0)}{t === 0 ? " ms" : ""}
            </text>
          )}
        </g>
      ))}
      {props.channels.map((c, k) => (
        <path d={path(c.points)} fill="none" stroke={colour(c)} stroke-width="1.4"
          stroke-linejoin="round" stroke-dasharray={props.dashed ? DASHES[k % 4] : undefined} />
      ))}
      {props.cursor !== null && (
        <line x1={props.x(props.cursor)} x2={props.x(props.cursor)} y1={TOP} y2={TOP + h}
          stroke="var(--accent)" stroke-width="1.5" />
      )}
    </svg>
  );
}

export function Waveform(props: WaveformProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const [cursor, setCursor] = useState<number | null>(null);
  const span = Math.max(props.toMs - props.fromMs, 1e-3);
  const w = Math.max(width - LEFT - 10, 10);
  const x = (ms: number) => LEFT + ((ms - props.fromMs) / span) * w;
  const at = (k: number, count: number) => props.fromMs + (k / Math.max(count, 1)) * span;
  const marks = ticks(props.fromMs, props.toMs, w);
  const short = span <= 250;
  const voltages = props.channels.filter((c) => c.unit === "V");
  const currents = props.channels.filter((c) => c.unit === "A");
  const height = width < 500 ? 170 : 210;
  const valid = cursor !== null && cursor >= props.fromMs && cursor <= props.toMs ? cursor : null;

  const describe = (ms: number) => `${fixed(ms, 2)} ms · ${props.channels.map((c) => {
    const k = Math.min(Math.floor(((ms - props.fromMs) / span) * c.points.length),
      c.points.length - 1);
    const value = c.points[Math.max(k, 0)] ?? null;
    return `${c.name} ${value === null ? "–" : fixed(value, c.unit === "V" ? 1 : 2)} ${c.unit}`;
  }).join(" · ")}`;
  const point = (event: MouseEvent | TouchEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const from = "touches" in event ? event.touches[0] : event;
    if (from === undefined) return;
    setCursor(props.fromMs + ((from.clientX - box.left - LEFT) / w) * span);
  };
  const step = (event: KeyboardEvent) => {
    const now = valid ?? props.fromMs;
    const to = { ArrowRight: now + span / 200, ArrowLeft: now - span / 200,
      PageUp: now + span / 20, PageDown: now - span / 20, Home: props.fromMs,
      End: props.toMs }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setCursor(Math.min(Math.max(to, props.fromMs), props.toMs));
  };
  const panel = (channels: WaveChannel[], unit: string, axis: boolean) => channels.length > 0 && (
    <Panel channels={channels} unit={unit} w={w} height={height} x={x} at={at} marks={marks}
      cursor={valid} dashed={short} axis={axis} />
  );
  return (
    <div ref={ref}>
      <div class="chooser" role="slider" tabIndex={0} aria-label={props.name}
        aria-valuemin={Math.round(props.fromMs)} aria-valuemax={Math.round(props.toMs)}
        aria-valuenow={Math.round(valid ?? props.fromMs)}
        aria-valuetext={describe(valid ?? props.fromMs)} onKeyDown={step} onMouseMove={point}
        onTouchMove={point} onMouseLeave={() => setCursor(null)}>
        {panel(voltages, "V", currents.length === 0)}
        {panel(currents, "A", true)}
      </div>
      <p class="tip">{valid === null ? props.hint : describe(valid)}</p>
      <div class="legend">
        {props.channels.map((c) => (
          <span><i style={{ background: colour(c) }} />{c.name}</span>
        ))}
      </div>
    </div>
  );
}
