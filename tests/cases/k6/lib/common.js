exports.name = 'common';
exports.add = (a, b) => a + b;
exports.thrown = () => { throw new Error('in common'); };
