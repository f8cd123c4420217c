// SPDX-License-Identifier: Apache-2.0
// Opens every view of both pages in headless Chromium: no errors, no accessibility violations of
// WCAG 2 A/AA, nothing loaded from elsewhere, a screenshot of each in build/report/pages.
//
// usage: pages.mjs METER_URL... -- HEADEND_URL SERIAL...      prints TAP
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
const [headend, ...serials] = process.argv.slice(split + 1);

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
    reducedMotion: "reduce", bypassCSP: true });
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
  await page.waitForTimeout(400);
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
  await visit(`${url}#/system`, `${m}-system`, desktop, ["Serial number"]);
}
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
