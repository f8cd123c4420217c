// Two steps to move a contactor: arm, read what will happen, confirm.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

import { getJson } from "../../kit/net";
import { Card, Status } from "../../kit/parts";
import type { Command } from "./api";
import { t } from "./words";
import { local } from "./when";

const token = signal(sessionStorage.getItem("wk-token") ?? "");

async function post(path: string, body?: unknown): Promise<Command> {
  const answer = await fetch(path, {
    method: "POST",
    headers: { Authorization: `Bearer ${token.value}`, "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error?.reason ?? answer.statusText);
  return value as Command;
}

function kind(state: string): "ok" | "warn" | "alarm" {
  if (state === "done") return "ok";
  return state === "failed" || state === "expired" ? "alarm" : "warn";
}

function Rows(props: { commands: Command[] }) {
  if (props.commands.length === 0) return <p class="empty">{t("no commands")}</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("commands")}>
      <table>
        <thead><tr><th>{t("when")}</th><th>{t("commands")}</th><th>{t("status")}</th>
          <th>{t("result")}</th></tr></thead>
        <tbody>
          {props.commands.slice(0, 8).map((c) => (
            <tr key={c.id}>
              <td class="nowrap">{local(c.created)}</td>
              <td>{c.action}</td>
              <td><Status kind={kind(c.state)}>{t(c.state)}</Status></td>
              <td>{c.result}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function ControlCard(props: { serial: string; version: number }) {
  const [commands, setCommands] = useState<Command[]>([]);
  const [armed, setArmed] = useState<Command | null>(null);
  const [failure, setFailure] = useState("");
  const base = `/api/meters/${props.serial}/commands`;
  const read = () => getJson<{ commands: Command[] }>(base)
    .then((a) => setCommands(a.commands), () => undefined);
  useEffect(() => { void read(); }, [props.serial, props.version]);
  const attempt = async (work: () => Promise<Command | null>) => {
    setFailure("");
    try {
      setArmed(await work());
    } catch (e) {
      setFailure((e as Error).message);
    }
    void read();
  };
  const arm = (action: Command["action"]) => attempt(() =>
    post(base, { id: `page-${Date.now()}`, action, who: "operator" }));
  const finish = (step: "confirm" | "cancel") => attempt(async () => {
    if (armed !== null) await post(`${base}/${armed.id}/${step}`);
    return null;
  });
  return (
    <Card title={t("control")} class="s6">
      {armed === null ? (
        <div class="control">
          <label>
            <span class="muted">{t("token")}</span>
            <input type="password" value={token.value} autocomplete="off" title={t("token help")}
              placeholder={t("token help")}
              onInput={(e) => {
                token.value = (e.currentTarget as HTMLInputElement).value.trim();
                sessionStorage.setItem("wk-token", token.value);
              }} />
          </label>
          <button disabled={token.value === ""} onClick={() => arm("disconnect")}>
            {t("disconnect")}</button>
          <button disabled={token.value === ""} onClick={() => arm("connect")}>
            {t("connect")}</button>
        </div>
      ) : (
        <div class="control armed" role="alertdialog">
          <p><b>{t(`armed ${armed.action}`)} {props.serial}.</b></p>
          <button class="strong" onClick={() => finish("confirm")}>{t("confirm")}</button>
          <button onClick={() => finish("cancel")}>{t("cancel")}</button>
        </div>
      )}
      {failure !== "" && <p><Status kind="alarm">{failure}</Status></p>}
      <Rows commands={commands} />
    </Card>
  );
}
