// What the meter's interface answers: docs/api-meter.md.
export interface Info {
  serial: string;
  logical_name: string;
  firmware: string;
  metrology: string;
  phases: number;
  period_s: number;
  nominal_mv: number;
  dlms_host: string;
  dlms_port: number;
  calendar: string;
  progress: { start_us: number; target_us: number; reached_us: number; finished: boolean };
  records: { consumed: number; repeated: number; backlog: number };
  security: { failed_logins: number; replays: number; not_deciphered: number };
  power_failures: number;
}

export interface Live {
  time_us: number | null;
  utc_offset_min: number;
  seq: number;
  phases: number;
  frequency_hz: number;
  i_neutral_a: number;
  flags: string[];
  phase: {
    u_v: number[];
    i_a: number[];
    p_w: number[];
    q_var: number[];
    s_va: number[];
    pf: number[];
    u_deg: number[];
    i_deg: number[];
  };
  supply: {
    state: string;
    mode: number;
    contact: "closed" | "open" | null;
    contactor: string;
    reasons: string[];
    attempts: number;
    response: string;
    limits: { monitor: string; threshold: number | null; unit: string; over: boolean;
      emergency: boolean }[];
    relays: { on: boolean; order: string; off_by: string[] }[];
  };
  tamper?: {
    active: { what: string; phase: number | null }[];
    snapshots: { at_s: number; what: string }[];
    service_until_s: number | null;
  };
  display?: { code: string; value: string; unit: string; test: boolean };
  total: { p_w: number; q_var: number; s_va: number; pf: number };
  tariff: number;
  tariff_import_uwh: number[];
  import_uwh: number;
  export_uwh: number;
}

export interface Register {
  obis: string;
  name: string;
  value_micro: number;
  unit: string;
}

export interface Entry {
  end_s: number;
  status: number;
  import_uwh: number;
  export_uwh: number;
  tariff_import_uwh: number[];
  u_v: number[];
  i_a: number[];
}

export interface MeterEvent {
  seq: number;
  at_s: number;
  code: number;
  group: string;
  text: string;
  detail: number;
  value: number;
  more: number;
}

export interface PhasePower {
  u_v: number;
  i_a: number;
  angle_deg: number;
  p_w: number;
  q_var: number;
  pf: number;
}

export interface Finding {
  kind: string;
  a: number;
  b: number;
  text: string;
  remedy: string;
}

export interface Wiring {
  told: boolean;
  reason: string;
  summary: string;
  phases: number;
  findings: Finding[];
  rival: Finding[] | null;
  inputs: { u_v: number[]; u_deg: number[]; i_a: number[]; i_deg: number[] };
  correction: { u_from: (number | null)[]; i_from: (number | null)[]; i_sign: number[] };
  before: PhasePower[];
  after: PhasePower[];
}

export interface Balance {
  power: number;
  current: number;
  mean: number;
  mean_after: number;
  intervals: number;
  move: { load: number; from: number; to: number } | null;
  text: string;
  loads: {
    number: number;
    phase: number;
    p_w: number;
    on: boolean;
    times: number;
    on_s: number;
    energy_wh: number;
  }[];
}

export interface Modem {
  state: string;
  model: string;
  signal: { rsrp_dbm: number | null; rsrq_db: number | null; sinr_db: number | null };
  cell: { network: string; technology: string | null; band: number | null };
}

interface LineHeard { signal: number | null; noise: number | null; margin_db: number | null }

// A modem for power lines or radio.
export interface LineModem {
  medium: "power line" | "radio";
  unit: "dBm" | "dBuV";
  channel: number;
  mode: number;
  modes: number;
  below_db: number;
  near: LineHeard;
  far: LineHeard;
  quality_percent: number | null;
  action: string | null;
}

// The wireless LAN that a path goes over.
export interface Wifi {
  connected: boolean;
  ssid: string;
  channel: number | null;
  signal_dbm: number | null;
  noise_dbm: number | null;
  quality_percent: number | null;
  busy_percent: number | null;
  retry_percent: number | null;
}

export interface LinkPath {
  name: string;
  to: string;
  state: "up" | "suspect" | "down" | "asleep";
  in_use: boolean;
  rate_bps: number;
  rtt_ms: number;
  delivery_percent: number;
  octets: number;
  advice: string | null;
  modem: Modem | null;
  line_modem: LineModem | null;
  wifi: Wifi | null;
}

export interface Link {
  summary: string;
  configured: boolean;
  paths: LinkPath[];
  streams: {
    obis: string;
    name: string;
    class: string;
    next: number;
    acknowledged: number;
    waiting: number;
    missing: number;
  }[];
}

export interface Certificate {
  enrols: boolean;
  state: "none" | "wanted" | "good" | "ends" | "ends soon" | "expired";
  words: string;
  needs_somebody: boolean;
  from_s: number | null;
  until_s: number | null;
  left_percent: number | null;
  request: string | null;
  refused: string | null;
  renewed: number;
}
