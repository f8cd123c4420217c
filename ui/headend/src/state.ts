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
const ANNOUNCED_MOST = 8;
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

/** Events that meters told of before they stored them, the newest first: their records follow. */
export const announced = signal<Record<string, Announced[]>>({});

export interface Announced {
  at: string;
  code: number;
}

interface Told {
  serial: string;
  at: number;
  code: number;
  announced?: boolean;
}

function hear(told: Told): void {
  if (!told.announced) return;
  const before = announced.value[told.serial] ?? [];
  const at = new Date(told.at * 1000).toISOString();
  const rows = [{ at, code: told.code }, ...before].slice(0, ANNOUNCED_MOST);
  announced.value = { ...announced.value, [told.serial]: rows };
}

export function start(): void {
  void refresh();
  setInterval(() => {
    if (!due) return;
    due = false;
    void refresh();
  }, REFRESH_MS);
  const names = ["progress", "intervals", "event", "day", "vee", "command", "meter", "lost"];
  stream("/api/stream", names, (name, data) => {
    due = true;
    const serial = (data as { serial?: string }).serial;
    if (name === "event") hear(data as Told);
    if (serial !== undefined)
      news.value = { ...news.value, [serial]: (news.value[serial] ?? 0) + 1 };
  });
}
