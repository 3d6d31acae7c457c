export const options = { linger: true, executionSegment: '0:1/2' };
export default function () {}
