#include "gateway/ctl/ctl.h"
