import exec from 'k6/execution';
import { sleep } from 'k6';
export const options = { vus: 2, iterations: 100 };
export default function () {
  if (exec.vu.idInTest === 1) exec.test.abort('enough');
  sleep(10);
}
export function teardown() { console.log('teardown'); }
