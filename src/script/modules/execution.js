import native from 'bellwether:native';

native.use('facts');

const facts = (names) => {
  const object = {};
  for (const [name, fact] of Object.entries(names)) {
    Object.defineProperty(object, name, { get: () => native.fact(fact), enumerable: true });
  }
  return object;
};

// Tags of the virtual user: reading and writing goes through to its samples.
const tags = new Proxy({}, {
  get: (_, name) => (typeof name === 'string' ? native.tag(name) : undefined),
  set: (_, name, value) => {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new TypeError(`the tag "${String(name)}" must be a string, a number or a boolean`);
    }
    native.setTag(String(name), String(value));
    return true;
  },
  has: (_, name) => typeof name === 'string' && native.tag(name) !== undefined,
  deleteProperty: (_, name) => (native.dropTag(String(name)), true),
  ownKeys: () => native.tags(),
  getOwnPropertyDescriptor: (_, name) => {
    const value = native.tag(name);
    return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true };
  },
});

const vu = facts({
  idInTest: 'vu', idInInstance: 'vu', iterationInInstance: 'iteration', iterationInScenario: 'iteration',
});
vu.tags = tags;
vu.metrics = { tags, metadata: {} };

const scenario = facts({
  name: 'scenario', executor: 'executor', startTime: 'scenarioStart', progress: 'progress',
  iterationInTest: 'iterationInTest', iterationInInstance: 'iterationInTest',
});

const instance = facts({
  iterationsCompleted: 'iterationsCompleted', iterationsInterrupted: 'iterationsInterrupted',
  vusActive: 'vusActive', vusInitialized: 'vusInitialized', currentTestRunDuration: 'elapsed',
});

const test = {
  abort(reason) { native.abort(reason === undefined ? 'test aborted' : `test aborted: ${reason}`); },
  fail(reason) { native.failTest(reason === undefined ? '' : String(reason)); },
  get options() { return JSON.parse(native.fact('options')); },
};

export { vu, scenario, instance, test };
export default { vu, scenario, instance, test };
