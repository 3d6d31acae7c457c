// Looks at pages with a real browser: no serious finding of axe-core, no error on the console, no request that
// leaves the origin, nothing wider than the window, with and without scripts, light and dark; and that a page
// changes while somebody looks at it. Arguments: the browser's program, and a file of JSON that lists the pages.
// Screenshots are kept where BELLWETHER_SCREENSHOTS names a folder.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [program, list] = process.argv.slice(2);
const { pages, live, cookie } = JSON.parse(readFileSync(list, "utf8"));
const shots = process.env.BELLWETHER_SCREENSHOTS;
const findings = [];

const VIEWS = [
  { name: "phone, light", width: 390, scheme: "light", scripts: true },
  { name: "tablet, without scripts", width: 800, scheme: "light", scripts: false },
  { name: "desk, dark", width: 1440, scheme: "dark", scripts: true },
];

const browser = await puppeteer.launch({
  executablePath: program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});

const opened = async (url, view) => {
  const page = await browser.newPage();
  await page.setViewport({ width: view.width, height: 900 });
  await page.setJavaScriptEnabled(view.scripts);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: view.scheme }]);
  if (cookie) await browser.setCookie({ ...cookie, domain: new URL(url).hostname });
  const say = (text) => findings.push(`${url} (${view.name}): ${text}`);
  page.on("console", (message) => {
    // A page that is an error says so with its status.
    const isStatus = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isStatus) say(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => say(`script: ${error.message}`));
  page.on("dialog", (dialog) => {
    say(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (to.protocol !== "data:" && to.origin !== new URL(url).origin) say(`leaves the origin: ${to}`);
  });
  await page.goto(url, { waitUntil: "load" });
  return { page, say };
};

for (const { name, url } of pages) {
  for (const view of VIEWS) {
    const { page, say } = await opened(url, view);
    if (shots) await page.screenshot({ path: `${shots}/${name}-${view.width}.png`, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) say(`${wide} px wider than the window`);
    if (view.scripts) {
      // Past the page's policy, which allows no script but its own.
      const client = await page.createCDPSession();
      await client.send("Runtime.evaluate", { expression: axe });
      const answer = await client.send("Runtime.evaluate", {
        expression: "axe.run().then(({ violations, passes }) => JSON.stringify({ violations, held: passes.length }))",
        awaitPromise: true,
      });
      const { violations, held } = JSON.parse(answer.result.value);
      if (held < 10) say(`only ${held} rules of axe-core were looked at`);
      for (const { id, impact, help, nodes } of violations) {
        if (impact === "serious" || impact === "critical") say(`${impact}: ${id}: ${help}: ${nodes[0].html}`);
      }
    }
    await page.close();
  }
}

// A page that is looked at changes without being loaded again.
const { page } = await opened(live, VIEWS[2]);
const newest = () => document.querySelector("#results tbody tr")?.textContent;
await page.evaluate(() => { window.isTheSame = true; });
const before = await page.evaluate(newest);
const differs = (before) => document.querySelector("#results tbody tr")?.textContent !== before;
await page.waitForFunction(differs, { timeout: 20_000 }, before).catch(() => findings.push(`${live}: it stays as it was`));
if (!(await page.evaluate(() => window.isTheSame))) findings.push(`${live}: it was loaded again`);

await browser.close();
console.log(findings.length === 0 ? `${pages.length} pages are sound` : findings.join("\n"));
process.exit(findings.length === 0 ? 0 : 1);
