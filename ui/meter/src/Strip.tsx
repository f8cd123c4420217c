// The phase strip: the total, then each phase. It stays on every view, smaller.
import { clock, fixed, kwh, power, stamp } from "../../kit/format";
import { live } from "./state";
import { t } from "./words";

function Total() {
  const l = live.value;
  if (l === null) return <div class="muted">{t("waiting")}</div>;
  const p = power(l.total.p_w);
  const s = (l.time_us ?? 0) / 1e6;
  return (
    <div>
      <h2>{t("active power, now")}</h2>
      <div class="big">{p.value}<small>{p.unit}</small></div>
      <p class="under">
        {l.total.p_w < 0 ? `← ${t("export")}` : `→ ${t("import")}`} · {fixed(l.frequency_hz, 3)} Hz
        {" · "}{t("tariff")} T{l.tariff}
      </p>
      <p class="under">1.8.0 = <span class="mono">{kwh(l.import_uwh)}</span> kWh</p>
      <p class="under" title={stamp(s, l.utc_offset_min)}>
        {stamp(s, l.utc_offset_min).slice(0, 10)} {clock(s, l.utc_offset_min, true)}
      </p>
    </div>
  );
}

function Phase(props: { k: number }) {
  const l = live.value;
  if (l === null) return null;
  const k = props.k;
  const p = power(l.phase.p_w[k] ?? 0);
  const q = power(l.phase.q_var[k] ?? 0);
  return (
    <div class={`phase l${k + 1}`}>
      <h3>L{k + 1}</h3>
      <div class="mid">{fixed(l.phase.u_v[k] ?? 0, 2)}<small>V</small></div>
      <dl class="pairs">
        <dt>I</dt><dd>{fixed(l.phase.i_a[k] ?? 0, 3)} A</dd>
        <dt>P</dt><dd>{p.value} {p.unit}</dd>
        <dt>Q</dt><dd>{q.value} {q.unit.replace("W", "var")}</dd>
        <dt>PF</dt><dd>{fixed(l.phase.pf[k] ?? 0, 3)}</dd>
      </dl>
    </div>
  );
}

export function Strip(props: { small: boolean }) {
  const phases = live.value?.phases ?? 0;
  const shape = phases === 3 ? "three" : "one";
  return (
    <section class={`strip ${shape} ${props.small ? "small" : ""}`}>
      <Total />
      {Array.from({ length: phases }, (_, k) => <Phase k={k} />)}
    </section>
  );
}
