// Readable streams ask their source for as much as is wanted, and end, fail and are canceled as they do in a browser.
import { ReadableStream, ReadableStreamDefaultReader, CountQueuingStrategy } from 'k6/experimental/streams';

export const options = { iterations: 1 };
const shown = async (what, act) => {
  try { console.log(what, JSON.stringify(await act())); } catch (error) { console.log(what, `${error.name}: ${error.message}`); }
};
const all = async (stream) => {
  const reader = stream.getReader();
  const found = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return found;
    found.push(value);
  }
};

export default async function () {
  let pulls = 0;
  const numbers = (mark) => new ReadableStream({
    start(controller) { this.next = 0; controller.enqueue('first'); },
    pull(controller) {
      pulls += 1;
      if (this.next === 3) controller.close();
      else controller.enqueue(this.next += 1);
    },
  }, new CountQueuingStrategy({ highWaterMark: mark }));
  await shown('all', () => all(numbers(1)));
  console.log('pulls', pulls);
  const slow = new ReadableStream({
    pull: (controller) => new Promise((resolve) => setTimeout(() => { controller.enqueue('late'); controller.close(); resolve(); }, 5)),
  });
  await shown('slow', () => all(slow));

  const stream = numbers(4);
  const reader = stream.getReader();
  console.log('locked', stream.locked, reader instanceof ReadableStreamDefaultReader);
  await shown('a second reader', async () => stream.getReader());
  await shown('canceled beside its reader', () => stream.cancel());
  await shown('read', () => reader.read());
  reader.releaseLock();
  console.log('locked', stream.locked);
  await shown('read after its release', async () => {
    try { await reader.read(); } catch (error) { return error.name; }
  });
  await shown('the rest', () => all(stream));

  let reason;
  const canceled = new ReadableStream({ start: (c) => c.enqueue(1), cancel: (why) => { reason = why; } });
  await shown('canceled', () => canceled.cancel('enough'));
  console.log(reason);
  await shown('after that', () => all(canceled));

  const broken = new ReadableStream({ start: (c) => { c.enqueue(1); c.error(new Error('broken')); } });
  await shown('broken', () => all(broken));
  const thrown = new ReadableStream({ pull() { throw new Error('thrown'); } });
  await shown('thrown', () => all(thrown));
  let controller;
  const filled = new ReadableStream({ start(c) { controller = c; c.enqueue('a'); c.enqueue('b'); } }, { highWaterMark: 3 });
  console.log('wants', controller.desiredSize);
  controller.close();
  await shown('after its close', async () => {
    try { controller.enqueue('c'); } catch (error) { return error.name; }
  });
  await shown('filled', () => all(filled));
  console.log('wants', controller.desiredSize);
  await shown('sizes', async () => {
    let sized;
    const made = new ReadableStream({ start(c) { sized = c; c.enqueue('four'); } }, { highWaterMark: 10, size: (chunk) => chunk.length });
    return [sized.desiredSize, await all(new ReadableStream({ start: (c) => c.close() })), made.locked];
  });
  await shown('no mark', async () => { try { new ReadableStream({}, { highWaterMark: -1 }); } catch (error) { return error.name; } });
}
