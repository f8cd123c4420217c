import { useEffect, useState } from "preact/hooks";

import { fixed, kwh } from "../../kit/format";
import { getJson } from "../../kit/net";
import { Card, Status } from "../../kit/parts";
import type { Bill, BillLine } from "./api";
import { t } from "./words";
import { local } from "./when";

function quantity(line: BillLine): string {
  if (line.unit === "kWh") return `${kwh(line.quantity_uwh ?? 0)} kWh`;
  if (line.unit === "day") return `${fixed(line.quantity, 0)} ${t("days")}`;
  return fixed(line.quantity, 2);
}

function price(line: BillLine): string {
  return line.unit === "net" ? `${fixed(line.price * 100, 0)} %` : fixed(line.price, 4);
}

function Checks(props: { bill: Bill }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("checks")}>
      <table>
        <thead>
          <tr><th>{t("register")}</th><th class="right">{t("meter says")}</th>
            <th class="right">{t("intervals say")}</th><th class="right">{t("billed")}</th><th /></tr>
        </thead>
        <tbody>
          {props.bill.checks.map((c) => (
            <tr>
              <td>{c.register}</td>
              <td class="right mono">{kwh(c.register_uwh, 9)}</td>
              <td class="right mono">{kwh(c.intervals_uwh, 9)}</td>
              <td class="right mono">{kwh(c.billed_uwh, 9)}</td>
              <td class="right">{c.agree ? <Status kind="ok">=</Status>
                : <Status kind="alarm">≠</Status>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function BillCard(props: { serial: string; version: number }) {
  const [bill, setBill] = useState<Bill | null>(null);
  useEffect(() => {
    getJson<Bill>(`/api/meters/${props.serial}/bill`).then(setBill, () => setBill(null));
  }, [props.serial, props.version]);
  if (bill === null)
    return <Card title={t("bill")}><p class="empty">{t("no readings")}</p></Card>;
  const i = bill.intervals;
  return (
    <>
      <Card title={t("bill")} class="s6"
        note={`${local(bill.from)} – ${local(bill.to)}`}>
        <table>
          <thead>
            <tr><th>{t("line")}</th><th class="right">{t("quantity")}</th>
              <th class="right">{t("price")}</th>
              <th class="right">{t("amount")} {bill.currency}</th></tr>
          </thead>
          <tbody>
            {bill.lines.map((line) => (
              <tr>
                <td>{line.name}</td>
                <td class="right nowrap">{quantity(line)}</td>
                <td class="right">{price(line)}</td>
                <td class="right">{fixed(line.amount, 2)}</td>
              </tr>
            ))}
            <tr class="sum">
              <td>{t("total")}</td><td /><td />
              <td class="right">{fixed(bill.total, 2)}</td>
            </tr>
          </tbody>
        </table>
        {bill.provisional && <p class="muted">{t("provisional")}</p>}
      </Card>
      <Card title={t("checks")} class="s6" note={bill.agree
        ? <Status kind="ok">{t("agree")}</Status> : <Status kind="alarm">{t("disagree")}</Status>}>
        <Checks bill={bill} />
        <p class="muted">{t("intervals")}: {fixed(i.received, 0)} {t("received of expected")}{" "}
          {fixed(i.expected, 0)} · {t("estimated")} {fixed(i.estimated, 0)}</p>
      </Card>
    </>
  );
}
