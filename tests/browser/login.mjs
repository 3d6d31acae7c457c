// Logs in by OpenID Connect as a person does, and says what is seen then. Arguments: the browser's program, a page
// that needs a log-in, and the name.
import puppeteer from "puppeteer-core";

const [program, url, name] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const page = await browser.newPage();
const go = (action) => Promise.all([page.waitForNavigation({ waitUntil: "load" }), action()]);
await page.goto(url, { waitUntil: "load" });
await go(() => page.click("a[href^='/login/openid']"));
await page.type("input[name=login]", name);
await page.type("input[name=password]", "anything");
await go(() => page.click("button[type=submit]"));
await go(() => page.click("button[type=submit]"));
const text = await page.evaluate(() => document.body.innerText);
console.log(JSON.stringify({ url: page.url(), text }));
await browser.close();
