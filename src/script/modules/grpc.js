import native from 'bellwether:native';

native.use('grpc');

const { grpc } = native;
const NAMES = [
  'OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied',
  'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable',
  'DataLoss', 'Unauthenticated',
];
const STATUS = Object.fromEntries(NAMES.map((name, code) => [`Status${name}`, code]));
const HEALTH = {
  HealthCheckUnknown: 'UNKNOWN', HealthCheckServing: 'SERVING', HealthCheckNotServing: 'NOT_SERVING',
  HealthCheckServiceUnkown: 'SERVICE_UNKNOWN',
};
const TIMEOUT = 120_000;

const time = (written) => {
  if (written === undefined || written === null) return TIMEOUT;
  return typeof written === 'number' ? written : native.duration(String(written));
};
// Names may stand there several times.
const gathered = (lines) => {
  const all = {};
  for (let at = 0; at < lines.length; at += 2) {
    const [name, value] = [lines[at], lines[at + 1]];
    if (Object.hasOwn(all, name)) all[name].push(value);
    else Object.defineProperty(all, name, { value: [value], writable: true, enumerable: true, configurable: true });
  }
  return all;
};
const sent = (metadata) => {
  const headers = {};
  for (const [name, value] of Object.entries(metadata ?? {})) {
    headers[name] = value instanceof ArrayBuffer ? native.b64encode(value, 'std') : String(value);
  }
  return headers;
};

export class Client {
  #base;
  #reflects;
  #timeout;
  load(folders, ...files) {
    grpc.load(folders ?? [], files);
    return [];
  }
  loadProtoset(path) {
    grpc.loadSet(path);
    return [];
  }
  connect(address, params = {}) {
    const text = String(address);
    if (text === '' || /[/\s]/.test(text)) throw new Error(`\`${text}\` is no address: expected \`host:port\``);
    if (params.tls !== undefined) throw new Error('`tls` of a connection is not supported: say `tlsAuth` and `insecureSkipTLSVerify` in the options');
    const base = `${params.plaintext ? 'http' : 'https'}://${text}`;
    this.#reflects = params.reflect ? sent(params.reflectMetadata) : undefined;
    this.#timeout = time(params.timeout ?? 60_000);
    grpc.reach(base, this.#timeout);
    this.#base = base;
  }
  // What a call is, by its number; where nobody knows it, the server is asked.
  static number(client, written) {
    if (client.#base === undefined) throw new Error('there is no connection: call connect() first');
    const path = String(written).replace(/^\//, '');
    if (!/^[^/]+\/[^/]+$/.test(path)) throw new Error(`"${written}" is no call: expected \`package.Service/Method\``);
    return client.#call(path);
  }
  static perform(client, number, messages, params, streams) { return client.#perform(number, messages, params, streams); }
  #call(name) {
    const known = grpc.find(name);
    if (known !== undefined && known !== null) return known;
    if (this.#reflects === undefined) {
      throw new Error(`the call "${name}" is not known: load its file, or connect with \`reflect: true\``);
    }
    return grpc.reflect(this.#base, name, this.#reflects, this.#timeout);
  }
  #perform(number, asked, params, streams) {
    const [status, said, messages, headers, trailers] = grpc.call(
      number, this.#base, JSON.stringify(asked), sent(params?.metadata), params?.tags, [time(params?.timeout), streams],
    );
    const all = params?.discardResponseMessage ? [] : JSON.parse(messages);
    if (streams) return { all, error: status === 0 ? undefined : { code: status, message: said, details: [] } };
    return {
      status,
      message: all.length > 0 ? all[all.length - 1] : null,
      error: status === 0 ? null : { code: status, message: said, details: [] },
      headers: gathered(headers),
      trailers: gathered(trailers),
    };
  }
  invoke(name, message, params) { return this.#perform(Client.number(this, name), [message ?? {}], params, false); }
  async asyncInvoke(name, message, params) { return this.invoke(name, message, params); }
  healthCheck(service, params) {
    if (this.#base === undefined) throw new Error('there is no connection: call connect() first');
    const reply = this.#perform(grpc.own('grpc.health.v1.Health/Check'), [{ service: service ?? '' }], params, false);
    return { ...reply, Status: reply.message?.status };
  }
  close() { this.#base = undefined; }
}

// What is written is sent as one, when all of it is there: what comes is told after that.
export class Stream {
  #client;
  #number;
  #params;
  #written = [];
  #told = { data: [], error: [], end: [] };
  #over = false;
  constructor(client, name, params) {
    this.#client = client;
    this.#number = Client.number(client, name);
    this.#params = params;
  }
  on(event, act) {
    if (!Object.hasOwn(this.#told, event)) throw new Error(`a stream has no event "${event}": expected data, error or end`);
    this.#told[event].push(act);
  }
  write(message) {
    if (this.#over) throw new Error('the stream is over: nothing can be written to it');
    this.#written.push(message ?? {});
    if (!grpc.takesMany(this.#number)) this.end();
  }
  end() {
    if (this.#over) return;
    this.#over = true;
    setTimeout(() => {
      const { all, error } = Client.perform(this.#client, this.#number, this.#written, this.#params, true);
      for (const message of all) this.#tell('data', message);
      if (error) this.#tell('error', error);
      this.#tell('end');
    }, 0);
  }
  #tell(event, what) {
    for (const act of this.#told[event]) act(what, { ts: Date.now() });
  }
}

export const {
  StatusOK, StatusCanceled, StatusUnknown, StatusInvalidArgument, StatusDeadlineExceeded, StatusNotFound,
  StatusAlreadyExists, StatusPermissionDenied, StatusResourceExhausted, StatusFailedPrecondition, StatusAborted,
  StatusOutOfRange, StatusUnimplemented, StatusInternal, StatusUnavailable, StatusDataLoss, StatusUnauthenticated,
} = STATUS;
export const {
  HealthCheckUnknown, HealthCheckServing, HealthCheckNotServing, HealthCheckServiceUnkown,
} = HEALTH;
export default { ...STATUS, ...HEALTH, Client, Stream };
