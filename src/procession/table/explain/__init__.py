"""Why a process is in the state that it is in: one file for each explanation, each a pure function of ``Facts``."""
