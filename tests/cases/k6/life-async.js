import { sleep } from 'k6';
export async function setup() { return await Promise.resolve({ token: 'a' }); }
export default async function (data) {
  const all = await Promise.all([1, 2].map(async (n) => n * 2));
  sleep(0.01);
  console.log(data.token, all.join());
}
