// SPDX-License-Identifier: Apache-2.0
// Opens every view of both pages in headless Chromium: no errors, no accessibility violations of
// WCAG 2 A/AA, nothing loaded from elsewhere, a screenshot of each in build/report/pages.
//
// usage: pages.mjs METER_URL... -- DISTURBED_METER_URL -- HEADEND_URL SERIAL...      prints TAP
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../../ui/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const out = fileURLToPath(new URL("../../build/report/pages/", import.meta.url));
mkdirSync(out, { recursive: true });

const split = process.argv.indexOf("--");
const meters = process.argv.slice(2, split);
const [disturbed, , headend, ...serials] = process.argv.slice(split + 1);

let count = 0;
let failed = 0;
function report(good, name, detail = "") {
  count += 1;
  failed += good ? 0 : 1;
  if (!good && detail) console.log(detail.split("\n").map((l) => `# ${l}`).join("\n"));
  console.log(`${good ? "" : "not "}ok ${count} - ${name}`);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** Opens a view and checks what a reader would notice. */
async function visit(url, name, options, wanted) {
  const page = await browser.newPage({ viewport: options.viewport, colorScheme: options.scheme,
    reducedMotion: "reduce", bypassCSP: true, locale: options.locale ?? "en-GB" });
  const troubles = [];
  page.on("console", (m) => { if (m.type() === "error") troubles.push(m.text()); });
  page.on("pageerror", (e) => troubles.push(String(e)));
  page.on("request", (r) => {
    if (!r.url().startsWith(new URL(url).origin) && !r.url().startsWith("data:"))
      troubles.push(`loads from elsewhere: ${r.url()}`);
  });
  await page.goto(url, { waitUntil: "load" });
  let seen = true;
  for (const text of wanted)
    await page.getByText(text).first().waitFor({ timeout: 8000 }).catch(() => {
      seen = false;
      troubles.push(`does not show "${text}"`);
    });
  await options.act?.(page).catch((e) => troubles.push(`cannot be operated: ${e}`));
  await page.waitForTimeout(400);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `${out}${name}.png`, fullPage: true });
  report(seen && troubles.length === 0, `${name} shows what it should, without errors`,
    troubles.join("\n"));
  if (options.axe) {
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
    const texts = found.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.slice(0, 3)
      .map((n) => `  ${n.html.slice(0, 120)} ${n.failureSummary?.split("\n")[1] ?? ""}`).join("\n")}`);
    report(found.violations.length === 0, `${name} has no accessibility violations`,
      texts.join("\n"));
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  report(wide <= 0, `${name} does not scroll sideways`, `${wide} px too wide`);
  await page.close();
}

const desktop = { viewport: { width: 1240, height: 900 }, scheme: "light", axe: true };
const dark = { viewport: { width: 1240, height: 900 }, scheme: "dark", axe: true };
const phone = { viewport: { width: 390, height: 844 }, scheme: "dark", axe: false };

for (const [k, url] of meters.entries()) {
  const m = `meter-${k + 1}`;
  await visit(`${url}#/live`, `${m}-live`, desktop, ["Phasors", "Load curve", "Hz"]);
  await visit(`${url}#/live`, `${m}-live-dark`, dark, ["Phasors"]);
  await visit(`${url}#/live`, `${m}-live-phone`, phone, ["Phasors"]);
  await visit(`${url}#/energy`, `${m}-energy`, desktop, ["Registers", "Import, tariff 1"]);
  await visit(`${url}#/events`, `${m}-events`, desktop, ["Events"]);
  await visit(`${url}#/wiring`, `${m}-wiring`, desktop, ["Installation check", "As connected"]);
  await visit(`${url}#/wiring`, `${m}-wiring-phone`, phone, ["As connected"]);
  await visit(`${url}#/quality`, `${m}-quality`, desktop, 
    ["By phase", "THD-U", "K factor"]);
  await visit(`${url}#/system`, `${m}-system`, desktop, ["Serial number"]);
}

// power quality, on a meter with something to show
const chinese = { ...desktop, locale: "zh-CN" };
const click = (name) => async (page) => page.getByRole("button", { name }).first().click();

/** Chooses a current, its interharmonics, and walks to order 5 by keyboard. */
async function walk(page) {
  await page.getByRole("button", { name: "I L1" }).click();
  await page.getByLabel("interharmonics").check();
  await page.getByRole("slider").focus();
  for (let order = 2; order <= 5; order++) await page.keyboard.press("ArrowRight");
  await page.getByText("Order 5 (250 Hz)").waitFor({ timeout: 2000 });
}

/** Shows the dip of the interruption near its trigger, and reads the curves by keyboard. */
async function look(page) {
  await page.getByRole("button", { name: /^Waveform: Interruption/ }).first().click();
  await page.getByRole("button", { name: "Show the cycles around the trigger" }).click();
  await page.getByText("every sample").waitFor({ timeout: 4000 });
  await page.getByRole("slider").focus();
  for (let k = 0; k < 40; k++) await page.keyboard.press("ArrowRight");
  await page.getByText(/ms · U1 .* V · U2 /).waitFor({ timeout: 2000 });
}

async function print(page) {
  await page.emulateMedia({ media: "print" });
}

const q = `${disturbed}#/quality`;
const levels = ["By phase", "Underdeviation", "Crest factor", "K factor", "Plt", "negative sequence"];
const events = ["equipment may be damaged", "equipment may stop", "inside the curve",
  "Download COMTRADE", "deeper than required", "SEMI F47"];
const week = ["Supply voltage", "Flicker Plt", "Interruptions up to 3 min", "Harmonic 5", "met"];
await visit(`${q}/now`, "quality-now", desktop, levels);
await visit(`${q}/now`, "quality-now-dark", dark, levels);
await visit(`${q}/now`, "quality-now-phone", phone, levels);
await visit(`${q}/now`, "quality-now-chinese", chinese, ["负偏差", "波峰因数", "不平衡度"]);
await visit(`${q}/harmonics`, "quality-harmonics", desktop, ["fundamental", "limit of EN 50160"]);
await visit(`${q}/harmonics`, "quality-harmonics-current", { ...dark, act: walk },
  ["fundamental"]);
await visit(`${q}/harmonics`, "quality-harmonics-table", { ...desktop,
  act: async (page) => page.getByText("As a table").click() }, ["fundamental"]);
await visit(`${q}/harmonics`, "quality-harmonics-phone", { ...phone, act: click("U L3") },
  ["fundamental"]);
await visit(`${q}/events`, "quality-events", desktop, events);
await visit(`${q}/events`, "quality-events-near", { ...dark, act: look }, events);
await visit(`${q}/events`, "quality-events-phone", phone, events);
await visit(`${q}/events`, "quality-events-chinese", chinese, ["设备可能停机", "下载 COMTRADE"]);
await visit(`${q}/week`, "quality-week", desktop, week);
await visit(`${q}/week`, "quality-week-dark", { ...dark,
  act: async (page) => page.getByText("All harmonics").click() }, week);
await visit(`${q}/week`, "quality-week-phone", phone, week);
await visit(`${q}/week`, "quality-week-print", { ...desktop, act: print }, week);
await visit(`${q}/week`, "quality-week-last", { ...desktop, act: click("Last week") },
  ["EN 50160"]);

await visit(headend, "headend-fleet", desktop, ["Meters reporting", ...serials]);
await visit(headend, "headend-fleet-dark", dark, serials);
for (const [k, serial] of serials.entries()) {
  await visit(`${headend}#/meter/${serial}`, `headend-meter-${k + 1}`, desktop,
    ["Total", "Load curve", "Registers against intervals"]);
  await visit(`${headend}#/meter/${serial}`, `headend-meter-${k + 1}-phone`, phone, ["Total"]);
}
await browser.close();
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
