export default function () {
  setTimeout(() => console.log('later'), 20);
  const every = setInterval(() => { console.log('tick'); clearInterval(every); }, 5);
  clearTimeout(setTimeout(() => console.log('never'), 1));
  console.log('first');
}
export function teardown() { console.log('teardown'); }
