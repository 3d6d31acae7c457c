import { setTimeout, clearTimeout, setInterval, clearInterval } from 'k6/timers';
export default function () {
  const seen = [];
  setTimeout(() => seen.push('late'), 30);
  const never = setTimeout(() => seen.push('never'), 5);
  clearTimeout(never);
  setTimeout((a, b) => seen.push(a + b), 10, 1, 2);
  setTimeout(() => seen.push('zero'));
  Promise.resolve().then(() => seen.push('promise'));
  let count = 0;
  const every = setInterval(() => { count += 1; if (count === 3) { clearInterval(every); setTimeout(() => console.log(seen.join(), count), 20); } }, 12);
  seen.push('first');
}
