typedef int placeholder_unit; // a library needs one source until its first module lands
