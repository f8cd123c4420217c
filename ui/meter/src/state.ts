// What the page knows, kept up to date by the stream.
import { signal } from "@preact/signals";

import { getJson, stream } from "../../kit/net";
import type { Entry, Info, Live, MeterEvent } from "./api";

export const info = signal<Info | null>(null);
export const live = signal<Live | null>(null);
export const entries = signal<Entry[]>([]);
export const events = signal<MeterEvent[]>([]);
export const problem = signal("");

let profileAt = 0;

async function refreshProfile(): Promise<void> {
  const answer = await getJson<{ period_s: number; entries: Entry[] }>("/api/profile");
  entries.value = answer.entries;
}

async function refreshEvents(): Promise<void> {
  events.value = (await getJson<{ events: MeterEvent[] }>("/api/events?last=300")).events;
}

/** The profile is read again once an interval has ended, at most every two seconds. */
function followProfile(now: Live): void {
  const period = info.value?.period_s ?? 900;
  const last = entries.value[entries.value.length - 1]?.end_s ?? 0;
  if ((now.time_us ?? 0) / 1e6 < last + period && last !== 0) return;
  if (performance.now() - profileAt < 2000) return;
  profileAt = performance.now();
  refreshProfile().catch((e: Error) => (problem.value = e.message));
}

export function start(): void {
  const report = (e: Error) => (problem.value = e.message);
  getJson<Info>("/api/info").then((i) => (info.value = i), report);
  getJson<Live>("/api/live").then((l) => { if (l.time_us !== null) live.value = l; }, report);
  refreshProfile().catch(report);
  refreshEvents().catch(report);
  stream("/api/stream", ["live", "info", "events"], (name, data) => {
    problem.value = "";
    if (name === "info") info.value = data as Info;
    if (name === "events") refreshEvents().catch(report);
    if (name === "live" && (data as Live).time_us !== null) {
      live.value = data as Live;
      followProfile(data as Live);
    }
  });
}
