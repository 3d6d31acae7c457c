export const options = { blockHostnames: ['*.test'] };
export default function () {}
