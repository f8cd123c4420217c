// The fleet, kept up to date by the stream; a meter's details are read when they are shown.
import { signal } from "@preact/signals";

import { getJson, stream } from "../../kit/net";
import type { Fleet, MeterRow } from "./api";

export const fleet = signal<Fleet | null>(null);
export const meters = signal<MeterRow[]>([]);
export const problem = signal("");
/** Counts what the stream told about each meter, so that views know when to read again. */
export const news = signal<Record<string, number>>({});

const REFRESH_MS = 1000;
let due = false;

async function refresh(): Promise<void> {
  try {
    fleet.value = await getJson<Fleet>("/api/fleet");
    meters.value = (await getJson<{ meters: MeterRow[] }>("/api/meters?limit=1000")).meters;
    problem.value = "";
  } catch (e) {
    problem.value = (e as Error).message;
  }
}

export function start(): void {
  void refresh();
  setInterval(() => {
    if (!due) return;
    due = false;
    void refresh();
  }, REFRESH_MS);
  const names = ["progress", "intervals", "event", "day", "vee", "command", "meter", "lost"];
  stream("/api/stream", names, (_, data) => {
    due = true;
    const serial = (data as { serial?: string }).serial;
    if (serial !== undefined)
      news.value = { ...news.value, [serial]: (news.value[serial] ?? 0) + 1 };
  });
}
