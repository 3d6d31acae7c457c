import native from 'bellwether:native';

export const source = (of) => ({ get: async (name) => native.secret(String(name), String(of)) });
export const get = async (name) => native.secret(String(name));
export default { get, source };
