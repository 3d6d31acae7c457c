import { fail, sleep } from 'k6';
export default function () {
  const begin = Date.now();
  sleep(0.12);
  console.log(Date.now() - begin >= 119);
  try { sleep('x'); } catch (error) { console.log(error.message); }
  fail('this is the end');
}
