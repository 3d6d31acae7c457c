import { check, group } from 'k6';
export default function () {
  try { group('g', async () => {}); } catch (error) { console.log(error.message); }
  check(1, { later: async () => true });
}
