import { check, group } from 'k6';
// summary
export default function () { check(1, { top: () => true }); group('g', () => { check(1, { in: () => false }); group('h', () => {}); }); }
export function handleSummary(data) {
  const { root_group: root, metrics, state, options } = data;
  const named = (one) => ({ name: one.name, path: one.path, checks: one.checks.map((check) => [check.name, check.path, check.passes, check.fails]), groups: one.groups.map(named) });
  return { stdout: `${JSON.stringify(named(root))}\n${JSON.stringify(metrics.checks)}\n${Object.keys(state).sort()}\n${Object.keys(options).sort()}\n`, 'out.txt': new Uint8Array([104, 105]).buffer };
}
