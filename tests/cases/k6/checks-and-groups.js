// summary
import { check, group } from 'k6';
export default function () {
  console.log(check(1, { one: (v) => v === 1, yes: true, no: 0 }));
  console.log(check(1, {}), check(null, null));
  group('outer', () => { check(2, { two: (v) => v === 2 }); group('inner', () => check(3, { three: () => false })); });
  console.log(group('value', () => 5));
}
