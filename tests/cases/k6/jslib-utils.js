import { uuidv4, randomIntBetween, randomItem, randomString, findBetween, check, normalDistributionStages } from 'https://jslib.k6.io/k6-utils/1.4.0/index.js';
export default async function () {
  const n = randomIntBetween(3, 5);
  console.log(uuidv4().length, n >= 3 && n <= 5, ['a', 'b'].includes(randomItem(['a', 'b'])), randomString(8).length, /^[xy]+$/.test(randomString(9, 'xy')));
  console.log(findBetween('<a>1</a><a>2</a>', '<a>', '</a>'), findBetween('<a>1</a><a>2</a>', '<a>', '</a>', true).join(), findBetween('x', '(', ')'));
  console.log(await check(Promise.resolve(2), { two: async (v) => v === 2 }), normalDistributionStages(10, 100, 5).length);
}
