export default function () {
  const round = { a: 1 }; round.self = round;
  console.log({ a: [1, { b: 2 }] }, [1, 'x', null], null, undefined, true, 1n, Symbol('s'), () => 1, new Map([[1, 2]]), new Date(0), /x/g);
  console.log(round, 'text', -0, NaN, 1e21, new Error('wrong').message, '');
  console.log();
  console.log('%s is %d', 'one', 1);
}
