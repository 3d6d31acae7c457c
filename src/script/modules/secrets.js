import native from 'bellwether:native';

const source = () => ({ get: async (name) => native.secret(String(name)) });
export const get = async (name) => native.secret(String(name));
export { source };
export default { get, source };
