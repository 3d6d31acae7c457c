import http, { RefinedResponse, ResponseType } from 'k6/http';
import { check, sleep } from 'k6';
import { Options } from 'k6/options';
import { Counter } from 'k6/metrics';
import { Square, Shape, Size } from './lib/shapes';
import type { Other } from './lib/nothing';

export const options: Options = { vus: 1, iterations: 1 };
const seen: Counter = new Counter('seen');
type Known<T> = { [key in keyof T]?: T[key] };
declare const nowhere: string;

function first<T extends { id: number }>(all: T[], size: Size = 'small'): T | undefined {
  return all.find((one): one is T => one.id > 0 && size !== 'large');
}

export default function (): void {
  const reply: RefinedResponse<ResponseType> = http.get(`${__ENV.URL}/document`);
  const body = reply.json() as unknown as { items: { id: number; name?: string }[] };
  const shape: Shape = new Square(3);
  check(reply, { 'it is well': (r) => r.status === 200 });
  seen.add(1);
  console.log(shape.name, shape.area(), first(body.items)!.name, (body satisfies Known<typeof body>).items.length);
  sleep(0);
  (shape as Square).broken();
}
