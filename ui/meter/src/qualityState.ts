// What the Quality view knows: docs/api-meter.md, "Power quality".
import { signal } from "@preact/signals";

import { getJson } from "../../kit/net";

export interface Interval {
  end_us: number | null;
  windows: number;
  flagged: number;
  f_hz: number;
  voltage: Record<"u_v" | "u_min_v" | "u_max_v" | "under_percent" | "over_percent" | "thd_percent"
    | "crest" | "signal_v" | "pinst_max" | "pst" | "plt", (number | null)[]>;
  current: Record<"i_a" | "thd_percent" | "crest" | "k_factor", (number | null)[]>;
  unbalance: Record<"u2_percent" | "u0_percent" | "i2_percent" | "i0_percent", number> | null;
}

export interface Spectrum {
  channel: string;
  unit: string;
  end_us: number;
  orders: number;
  fundamental: number;
  harmonic_percent: (number | null)[];
  interharmonic_percent: (number | null)[];
  power_w: number[] | null;
}

export interface QualityEvent {
  seq: number;
  kind: "dip" | "swell" | "interruption" | "rapid_change" | "transient";
  begin_s: number;
  phases: number;
  extreme_v: number;
  extreme_percent: number | null;
  duration_ms: number | null;
  itic: "inside" | "no_damage" | "prohibited" | null;
  f47: "met" | "below" | null;
}

export interface Quality {
  analysed: boolean;
  phases: number;
  nominal_v: number;
  nominal_hz: number;
  signal_hz: number;
  frequency_10_s: { end_us: number; f_hz: number; cycles: number } | null;
  three_s: Interval | null;
  ten_min: Interval | null;
  two_h: Interval | null;
  spectra: Spectrum[];
  harmonic_limit_percent: (number | null)[];
  events: QualityEvent[];
}

export interface WeekRow {
  kind: "frequency" | "voltage" | "flicker" | "thd" | "unbalance" | "harmonic";
  phase: number | null;
  order: number | null;
  values: number;
  within: number;
  outside: number;
  percent: number;
  limit: number;
  percentile: number | null;
  largest: number | null;
  met: boolean | null;
}

export interface Week {
  begin_us: number;
  end_us: number;
  flagged: number;
  rapid_changes: number;
  transients: number;
  rows: WeekRow[];
  dips: number[][];
  swells: number[][];
  interruptions: number[];
}

export interface Weeks {
  nominal_v: number;
  nominal_hz: number;
  phases: number;
  this_week: Week | null;
  last_week: Week | null;
}

export interface Capture {
  name: string;
  event: string;
  trigger_us: number;
  size: number;
}

export interface CaptureWaveform {
  name: string;
  event: string;
  start_us: number;
  trigger_us: number;
  length_us: number;
  from_us: number;
  to_us: number;
  rate_hz: number;
  frames_per_piece: number;
  channels: { name: string; unit: string; phase: number | null; points: (number | null)[] }[];
}

const LIVE_MS = 3000;
const SLOW_MS = 15000;
const SAME_EVENT_S = 2.5; // the log has whole seconds

export const quality = signal<Quality | null>(null);
export const weeks = signal<Weeks | null>(null);
export const captures = signal<Capture[]>([]);
export const problem = signal("");

function take<T>(path: string, to: (answer: T) => void): void {
  getJson<T>(path).then((answer) => {
    problem.value = "";
    to(answer);
  }, (e: Error) => (problem.value = e.message));
}

function readLive(): void {
  take<Quality>("/api/quality", (q) => (quality.value = q));
}

function readSlow(): void {
  take<Weeks>("/api/quality/week", (w) => (weeks.value = w));
  take<{ captures: Capture[] }>("/api/captures", (c) => (captures.value = c.captures));
}

/** Reads until the returned function is called. */
export function follow(): () => void {
  readLive();
  readSlow();
  const timers = [setInterval(readLive, LIVE_MS), setInterval(readSlow, SLOW_MS)];
  return () => timers.forEach((timer) => clearInterval(timer));
}

/** The capture that was triggered when an event began: the nearest, if near enough. */
export function captureOf(event: QualityEvent): Capture | null {
  const distance = (c: Capture) => Math.abs(c.trigger_us / 1e6 - event.begin_s - 0.5);
  const near = captures.value.filter((c) => distance(c) <= SAME_EVENT_S);
  return near.sort((a, b) => distance(a) - distance(b))[0] ?? null;
}

export function phasesOf(bits: number): string {
  return [1, 2, 3].filter((k) => (bits & (1 << (k - 1))) !== 0).map((k) => `L${k}`).join(" ");
}
