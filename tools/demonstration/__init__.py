"""The parts of tools/demo: the nodes, the load, the listeners and the checks."""
