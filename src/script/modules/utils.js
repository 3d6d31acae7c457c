// Helpers under the names of k6-utils, written anew.
import { check as holds } from 'k6';
import execution from 'k6/execution';

export const uuidv4 = (secure = false) => (secure ? crypto.randomUUID()
  : 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (letter) => {
    const digit = Math.floor(Math.random() * 16);
    return (letter === 'x' ? digit : (digit & 3) | 8).toString(16);
  }));
export const randomIntBetween = (low, high) => Math.floor(Math.random() * (high - low + 1)) + low;
export const randomItem = (items) => items[Math.floor(Math.random() * items.length)];
export const randomString = (length, letters = 'abcdefghijklmnopqrstuvwxyz') => {
  let made = '';
  for (let at = 0; at < length; at += 1) made += letters[Math.floor(Math.random() * letters.length)];
  return made;
};
export const findBetween = (text, left, right, all = false) => {
  const found = [];
  let at = 0;
  for (;;) {
    const begin = text.indexOf(left, at);
    if (begin < 0) break;
    const end = text.indexOf(right, begin + left.length);
    if (end < 0) break;
    found.push(text.slice(begin + left.length, end));
    if (!all) break;
    at = end + right.length;
  }
  return all ? found : found[0] ?? null;
};
export const check = async (value, checks, tags) => {
  const ready = await value;
  const settled = {};
  for (const [name, one] of Object.entries(checks)) {
    const result = await (typeof one === 'function' ? one(ready) : one);
    settled[name] = () => result;
  }
  return holds(ready, settled, tags);
};
// Stages whose targets follow a bell curve.
export const normalDistributionStages = (maxVus, durationSeconds, numberOfStages = 10) => {
  const density = (mean, deviation, at) => Math.exp(-0.5 * ((at - mean) / deviation) ** 2);
  const stages = [];
  const values = Array.from({ length: numberOfStages }, (_, at) => density(numberOfStages / 2, numberOfStages / 6, at + 0.5));
  const peak = Math.max(...values);
  const each = Math.ceil(durationSeconds / (numberOfStages + 1));
  for (const value of values) stages.push({ duration: `${each}s`, target: Math.round((maxVus * value) / peak) });
  stages.push({ duration: `${each}s`, target: 0 });
  return stages;
};
const milliseconds = (text) => {
  const units = { ms: 1, s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 };
  return [...String(text).matchAll(/([\d.]+)(ms|s|m|h|d)/g)].reduce((sum, [, n, unit]) => sum + Number(n) * units[unit], 0);
};
const stagesNow = () => {
  const { scenarios } = execution.test.options;
  const stages = scenarios?.[execution.scenario.name]?.stages ?? execution.test.options.stages;
  if (!stages) throw new Error(`the scenario "${execution.scenario.name}" has no stages`);
  return stages;
};
export const getCurrentStageIndex = () => {
  const elapsed = Date.now() - execution.scenario.startTime;
  const stages = stagesNow();
  let sum = 0;
  const at = stages.findIndex((stage) => {
    sum += milliseconds(stage.duration);
    return elapsed < sum;
  });
  return at < 0 ? stages.length - 1 : at;
};
export const tagWithCurrentStageIndex = () => { execution.vu.tags.stage = String(getCurrentStageIndex()); };
export const parseDuration = milliseconds;
export const tagWithCurrentStageProfile = () => {
  const stages = stagesNow();
  const at = getCurrentStageIndex();
  const before = at === 0 ? 0 : stages[at - 1].target;
  const profile = stages[at].target > before ? 'ramp-up' : stages[at].target < before ? 'ramp-down' : 'steady';
  execution.vu.tags.stage_profile = profile;
};
