from dataclasses import dataclass
import numpy as np
from sarcodec.measure import Measure
from .radiometry import resolve_domain
@dataclass(frozen=True)
class BandMeaning:
    kind: str
    measure: Measure | None
    why: str
    hidden: tuple = ()
def scene_meaning(info, samples, masked, domain="auto", exact_bands=None):
    out=[]
    d=None
    for b in range(info.count):
        if (exact_bands and b+1 in exact_bands) or info.colorinterp[b]=="alpha":
            out.append(BandMeaning("exact",None,"named")); continue
        d=resolve_domain(domain,np.concatenate(samples),info.nodata[0],info.hints)
        out.append(BandMeaning("radar",Measure(d,nodata=info.nodata[b]),"stub"))
    return tuple(out)
