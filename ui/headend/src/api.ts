// What the head-end answers: headend/openapi.json.
export interface Fleet {
  now: string;
  meters: number;
  status: { ok: number; late: number; failing: number; never: number };
  disconnected: number;
  readings: number;
  newest_interval: string | null;
  oldest_newest_interval: string | null;
  archive: { day_blocks: number; open_readings: number; events: number; gaps: number;
    exceptions: number; commands: number };
}

export interface MeterRow {
  serial: string;
  name: string;
  tenant: string;
  phases: number;
  plan: string;
  status: "never" | "ok" | "late" | "failing";
  failures: number;
  why: string;
  read: string | null;
  clock: string | null;
  clock_offset_s: number;
  collected_to: string | null;
  supply: "unknown" | "connected" | "disconnected";
  readings: number;
}

export interface Meter extends MeterRow {
  address: string;
  role: string;
  installed: string | null;
  baseline: string | null;
  period_s: number | null;
  archive: Fleet["archive"];
}

export interface Intervals {
  from_s: number;
  period_s: number;
  utc_offset_min: number;
  register_start_u: number;
  register_end_u: number;
  value_u: (number | null)[];
  flags: number[];
  tariff: (number | null)[];
  spans: { end: string; energy_u: number }[];
  flag_bits: { bit: number; name: string }[];
}

export interface BillLine {
  name: string;
  unit: "kWh" | "day" | "net";
  quantity: number;
  quantity_uwh?: number;
  price: number;
  amount: number;
}

export interface Bill {
  plan: string;
  currency: string;
  from: string;
  to: string;
  days: number;
  lines: BillLine[];
  total: number;
  checks: { register: string; register_uwh: number; intervals_uwh: number; billed_uwh: number;
    agree: boolean }[];
  intervals: { expected: number; received: number; estimated: number };
  provisional: boolean;
  agree: boolean;
}

export interface HeadEvent {
  at: string;
  code: number;
  log: string;
  seq: number;
}

export interface Command {
  id: string;
  action: "connect" | "disconnect";
  state: string;
  created: string;
  confirm_by: string | null;
  who: string;
  result: string;
}

export interface Gap {
  from: string;
  to: string;
  tries: number;
  given_up: boolean;
}
