const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });
export default async function () {
  await wait(2);
  console.log('one');
  await wait(0);
  console.log('two');
  let left = 3;
  await new Promise((done) => {
    const next = () => { left -= 1; if (left > 0) setTimeout(next, 1); else done(); };
    setTimeout(next, 0);
  });
  console.log('three');
  const every = setInterval(() => { left += 1; if (left === 3) clearInterval(every); }, 1);
}
