"""The metadata of a delivered file: that a model has made it, and nothing else."""

from shared.provenance import DIGITAL_SOURCE_TYPE

# Iptc4xmpExt:DigitalSourceType of the IPTC Photo Metadata Standard. It exists in XMP only: IIM, the
# older form of IPTC metadata, has no dataset for it.
XMP = f"""\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>""".encode()
"""An XMP packet, read-only: whoever changes it breaks the signature."""
