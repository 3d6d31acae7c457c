import { randomSeed } from 'k6';
export default function () {
  randomSeed(5); const a = [Math.random(), Math.random()];
  randomSeed(5); const b = [Math.random(), Math.random()];
  console.log(a.join() === b.join(), a[0] !== a[1], a.every((n) => n >= 0 && n < 1));
}
