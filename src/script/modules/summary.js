// The summary as text and as JUnit, under the names of k6-summary; made by the engine.
import native from 'bellwether:native';

native.use('summary');

export const textSummary = (data, about = {}) => native.textSummary(
  JSON.stringify(data), String(about.indent ?? ''), Boolean(about.enableColors),
);
export const humanizeValue = (value, metric, unit) => native.humanize(Number(value), metric.type, metric.contains, String(unit ?? ''));

const safe = (text) => String(text).replace(/[<>&"]/g, (letter) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' })[letter]);
export const jUnit = (data, about = {}) => {
  const cases = [];
  let failures = 0;
  for (const [name, metric] of Object.entries(data.metrics)) {
    for (const [source, threshold] of Object.entries(metric.thresholds ?? {})) {
      const title = `${safe(name)} - ${safe(source)}`;
      if (threshold.ok) {
        cases.push(`<testcase name="${title}" classname="thresholds"></testcase>`);
      } else {
        failures += 1;
        cases.push(`<testcase name="${title}" classname="thresholds"><failure message="failed"></failure></testcase>`);
      }
    }
  }
  const suite = safe(about.name ?? 'k6 thresholds');
  return `<?xml version="1.0"?>\n<testsuites tests="${cases.length}" failures="${failures}">\n<testsuite name="${suite}" tests="${cases.length}" failures="${failures}">\n${cases.join('\n')}\n</testsuite >\n</testsuites >`;
};
