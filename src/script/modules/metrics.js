import native from 'bellwether:native';

class Metric {
  #number;
  constructor(kind, name, isTime) {
    this.#number = native.metric(kind, String(name), Boolean(isTime));
    Object.defineProperty(this, 'name', { value: String(name), enumerable: true });
  }
  add(value, tags) {
    const number = typeof value === 'boolean' ? Number(value) : Number(value);
    if (!Number.isFinite(number) || value === null || value === undefined) {
      throw new TypeError(`${this.name}.add(): ${String(value)} is not a number`);
    }
    native.add(this.#number, number, tags === undefined || tags === null ? undefined : native.flat(tags));
    return true;
  }
}

export class Counter extends Metric {
  constructor(name, isTime) { super('counter', name, isTime); }
}
export class Gauge extends Metric {
  constructor(name, isTime) { super('gauge', name, isTime); }
}
export class Rate extends Metric {
  constructor(name, isTime) { super('rate', name, isTime); }
}
export class Trend extends Metric {
  constructor(name, isTime) { super('trend', name, isTime); }
}

export default { Counter, Gauge, Rate, Trend };
